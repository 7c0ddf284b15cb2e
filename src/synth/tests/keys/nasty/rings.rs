//! Rings: tables that refer to each other in a circle, with children around it.

use super::*;

impl Nasty {
    /// Tables that reference each other in a ring, by columns that go round and others that do not,
    /// with tables beside them.
    fn ring(seed: u64) -> Self {
        let mut nasty = Self {
            random: random::Sequence(seed),
            tables: Vec::new(),
            scenario: String::new(),
            scoped: Vec::new(),
        };
        nasty.add("names", &["id text!".to_owned()], &["id".to_owned()], &[]);
        let count = 2 + nasty.below(3);
        let round: Vec<(String, &str)> = (0..1 + nasty.below(3))
            .map(|place| {
                let kinds = ["text", "int4", "uuid", "mood"];
                let kind = kinds[nasty.below(if place == 0 { 3 } else { 4 }) as usize];
                (format!("r{place}"), kind)
            })
            .collect();
        // What each link holds beside the columns that go round.
        let extra: Vec<Option<&str>> = (0..count)
            .map(|_| {
                let kinds = ["text", "int8", "bool", "mood"];
                let choice = nasty.below(7) as usize;
                kinds.get(choice).copied()
            })
            .collect();
        let rows = 1 + nasty.below(60);
        let uneven = nasty.chance(40);
        for number in 0..count {
            nasty.ring_table((number, count), &round, &extra);
            if !uneven {
                let line = nasty.scenario.trim_end().rfind('\n').map_or(0, |at| at + 1);
                nasty.scenario.truncate(line);
                nasty.scenario += &format!("t{number} = {{ rows = {rows} }}\n");
            }
        }
        for number in 0..nasty.below(3) {
            nasty.ring_child(number, count, &round);
        }
        nasty
    }

    fn ring_table(
        &mut self,
        (number, count): (u64, u64),
        round: &[(String, &str)],
        extra: &[Option<&str>],
    ) {
        let next = (number + 1) % count;
        let before = (number + count - 1) % count;
        let mut columns: Vec<String> = Vec::new();
        let null = if self.chance(15) { "" } else { "!" };
        for (name, kind) in round {
            let null = if self.chance(70) { "!" } else { null };
            columns.push(format!("{name} {kind}{null}"));
        }
        let ring: Vec<&str> = round.iter().map(|(name, _)| name.as_str()).collect();
        let mut ring = ring.join(" ");
        if self.chance(30) {
            ring = ring.split(' ').rev().collect::<Vec<&str>>().join(" ");
        }
        // The column that the link to the next table holds, and that which the one before refers to.
        for link in BTreeSet::from([number, before]) {
            if let Some(kind) = extra[link as usize] {
                let null = if self.chance(20) { "" } else { "!" };
                columns.push(format!("x{link} {kind}{null}"));
            }
        }
        columns.push("note text!".to_owned());
        let with = |link: u64| match extra[link as usize] {
            Some(_) => format!("{ring} x{link}"),
            None => ring.clone(),
        };
        let mut keys = vec![with(before)];
        if self.chance(40) && keys[0] != ring {
            keys.push(ring.clone());
        }
        if self.chance(20) {
            keys.push("r0 note".to_owned());
        }
        let mut foreign = vec![format!("{} > t{next} {}", with(number), with(number))];
        if self.chance(30) && round[0].1 == "text" {
            foreign.push("r0 > names id".to_owned());
        }
        self.add(&format!("t{number}"), &columns, &keys, &foreign);
    }

    /// A table that references one of the ring.
    fn ring_child(&mut self, number: u64, count: u64, round: &[(String, &str)]) {
        let parent = self.below(count);
        let table = self
            .tables
            .iter()
            .find(|t| t.name.name == format!("t{parent}"))
            .unwrap();
        let key = table.unique_keys[0].columns.clone();
        let columns: Vec<String> = key
            .iter()
            .map(|name| format!("{name} {}", table.column(name).unwrap().data_type.name))
            .collect();
        let _ = round;
        let key = key.join(" ");
        let keys: Vec<String> = match self.chance(30) {
            true => vec![key.clone()],
            false => Vec::new(),
        };
        self.add(
            &format!("child{number}"),
            &columns,
            &keys,
            &[format!("{key} > t{parent} {key}")],
        );
    }
}

#[test]
fn random_rings_hold() {
    let (mut even, mut nulls) = (0, 0);
    for seed in 0..600 {
        let Nasty {
            tables, scenario, ..
        } = Nasty::ring(seed);
        let schema = schema(tables);
        let mut specs = specs(&scenario);
        let shown = || format!("seed {seed} in\n{scenario}{}", describe(&schema));
        let plan = loop {
            let (table, rows) = match FillPlan::new(&schema, &specs, seed) {
                Err(SynthError::TooFewCombinations {
                    table,
                    combinations,
                    ..
                }) => (table, combinations),
                Err(SynthError::CircleRows { table, fewer, .. }) => {
                    even += 1;
                    (table, fewer)
                }
                made => break made,
            };
            let name = table.trim_start_matches("public.");
            let spec = specs.get_mut(name).unwrap();
            assert!(
                (1..spec.rows).contains(&rows),
                "{name}: {rows}: {}",
                shown()
            );
            spec.rows = rows;
        };
        let plan = plan.unwrap_or_else(|error| panic!("{error}: {}", shown()));
        let broken = broken(&schema, &plan);
        assert!(broken.is_empty(), "{broken:?}: {}", shown());
        nulls += plan
            .notes
            .iter()
            .filter(|note| note.contains("is NULL in every row"))
            .count();
    }
    assert!(even > 50, "only {even} tables had other numbers of rows");
    assert_eq!(nulls, 0, "NULL where there are other ways");
}
