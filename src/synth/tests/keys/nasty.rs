//! Random schemas: tenants, junctions and circles of foreign keys.

mod rings;

use super::*;

/// A random schema of tables that belong to tenants, and its scenario.
struct Nasty {
    random: random::Sequence,
    tables: Vec<Table>,
    scenario: String,
    /// Tables that have a tenant, and the columns of their primary keys.
    scoped: Vec<(String, Vec<String>)>,
}

impl Nasty {
    fn below(&mut self, count: u64) -> u64 {
        random::below(self.random.next(), count)
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn add(&mut self, name: &str, columns: &[String], keys: &[String], foreign: &[String]) {
        fn texts(all: &[String]) -> Vec<&str> {
            all.iter().map(String::as_str).collect()
        }
        let rows = match self.below(4) {
            0 => 1 + self.below(6),
            1 => 1 + self.below(30),
            _ => 1 + self.below(200),
        };
        self.scenario += &format!("{name} = {{ rows = {rows} }}\n");
        let made = table(name, &texts(columns), &texts(keys), &texts(foreign));
        self.tables.push(made);
    }

    /// A table of a tenant with foreign keys to other such tables, itself among them.
    fn scoped_table(&mut self, number: u64) {
        let name = format!("t{number}");
        let kind = ["int4!", "uuid!", "text!", "int8!"][self.below(4) as usize];
        let mut columns = vec!["tenant int4!".to_owned(), format!("id {kind}")];
        let mut foreign = Vec::new();
        if self.chance(70) {
            foreign.push("tenant > tenants id".to_owned());
        }
        let mut primary = vec!["tenant".to_owned()];
        for link in 0..self.below(4) {
            let choice = self.below(self.scoped.len() as u64 + 1) as usize;
            let Some((parent, key)) = self.scoped.get(choice).cloned() else {
                if columns.iter().any(|column| column.starts_with("parent")) {
                    continue;
                }
                columns.push(format!("parent {}", kind.trim_end_matches('!')));
                foreign.push(format!("tenant parent > {name} tenant id"));
                continue;
            };
            let parent_table = self.tables.iter().find(|t| t.name.name == parent).unwrap();
            let kinds: Vec<String> = key
                .iter()
                .map(|column| parent_table.column(column).unwrap().data_type.name.clone())
                .collect();
            let null = if self.chance(25) { "" } else { "!" };
            let mut own = Vec::new();
            for (place, kind) in kinds.iter().enumerate() {
                own.push(match place {
                    0 => "tenant".to_owned(),
                    _ => format!("c{link}_{place}"),
                });
                if place > 0 {
                    columns.push(format!("c{link}_{place} {kind}{null}"));
                }
            }
            foreign.push(format!("{} > {parent} {}", own.join(" "), key.join(" ")));
            if null == "!" && primary.len() == 1 && key.len() == 2 && self.chance(25) {
                primary.push(own[1].clone());
            }
        }
        primary.push("id".to_owned());
        let mut keys = vec![primary.join(" ")];
        if foreign.iter().any(|f| f.starts_with("tenant parent")) || self.chance(50) {
            // What others reference must be unique.
            keys.push("tenant id".to_owned());
        }
        match self.chance(80) || keys.len() > 1 {
            true => self.scoped.push((name.clone(), strings("tenant id"))),
            false => self.scoped.push((name.clone(), primary)),
        }
        if !keys.iter().any(|key| key == "tenant id") && self.scoped.last().unwrap().1.len() == 2 {
            keys.push("tenant id".to_owned());
        }
        self.add(&name, &columns, &keys, &foreign);
    }

    /// A table whose primary key is made of foreign keys: a junction, lines of a parent, or a part of
    /// it that is one-to-one.
    fn keyed_table(&mut self, number: u64) {
        let name = format!("t{number}");
        let mut columns = vec!["tenant int4!".to_owned()];
        let mut foreign = Vec::new();
        let mut primary = vec!["tenant".to_owned()];
        for link in 0..1 + self.below(3) {
            let choice = self.below(self.scoped.len() as u64) as usize;
            let (parent, key) = self.scoped[choice].clone();
            let table = self.tables.iter().find(|t| t.name.name == parent).unwrap();
            let mut own = vec!["tenant".to_owned()];
            for (place, column) in key.iter().enumerate().skip(1) {
                let kind = &table.column(column).unwrap().data_type.name;
                own.push(format!("c{link}_{place}"));
                columns.push(format!("c{link}_{place} {kind}!"));
                primary.push(format!("c{link}_{place}"));
            }
            foreign.push(format!("{} > {parent} {}", own.join(" "), key.join(" ")));
        }
        let mut keys = Vec::new();
        match self.below(4) {
            0 => {
                columns.push("line int2!".to_owned());
                primary.push("line".to_owned());
            }
            1 => {
                columns.push("mood mood!".to_owned());
                primary.push("mood".to_owned());
            }
            2 => {
                columns.push("code varchar 4".to_owned());
                keys.push("tenant code".to_owned());
            }
            _ => {}
        }
        keys.insert(0, primary.join(" "));
        if self.chance(50) {
            foreign.push("tenant > tenants id".to_owned());
        }
        self.add(&name, &columns, &keys, &foreign);
    }

    /// Lets an earlier table reference a later one: they go round in a circle.
    fn close_circle(&mut self) {
        let count = self.scoped.len() as u64;
        let (from, to) = (self.below(count) as usize, self.below(count) as usize);
        let (name, key) = self.scoped[to].clone();
        let from = self.scoped[from].0.clone();
        if key.len() > 2 || name == from {
            return;
        }
        let of = |tables: &[Table], name: &str| tables.iter().position(|t| t.name.name == name);
        let to = of(&self.tables, &name).unwrap();
        let kind = self.tables[to].column("id").unwrap().data_type.name.clone();
        let null = if self.chance(50) { "" } else { "!" };
        let from = of(&self.tables, &from).unwrap();
        let table = &mut self.tables[from];
        if table.column("round").is_some() {
            return;
        }
        table.columns.push(column(&format!("round {kind}{null}")));
        table.foreign_keys.push(ForeignKey {
            name: format!("{}_round_fkey", table.name.name),
            columns: strings("tenant round"),
            references: named(&name),
            referenced_columns: strings("tenant id"),
            validated: true,
        });
    }

    fn new(seed: u64, count: u64) -> Self {
        let mut nasty = Self {
            random: random::Sequence(seed),
            tables: Vec::new(),
            scenario: String::new(),
            scoped: Vec::new(),
        };
        nasty.add("tenants", &["id int4!".to_owned()], &["id".to_owned()], &[]);
        for number in 0..count {
            nasty.scoped_table(number);
        }
        nasty
    }
}

#[test]
fn random_schemas_of_tenants_hold() {
    for seed in 0..400 {
        let Nasty {
            tables, scenario, ..
        } = Nasty::new(seed, 1 + seed % 6);
        let schema = schema(tables);
        let shown = || format!("seed {seed} in\n{scenario}{}", describe(&schema));
        let plan = FillPlan::new(&schema, &specs(&scenario), seed);
        let plan = plan.unwrap_or_else(|error| panic!("{error}: {}", shown()));
        let broken = broken(&schema, &plan);
        assert!(broken.is_empty(), "{broken:?}: {}", shown());
    }
}

#[test]
fn random_junctions_and_circles_hold() {
    let mut halved = 0;
    for seed in 0..400 {
        let mut nasty = Nasty::new(seed ^ 0xabcd, 2 + seed % 4);
        for number in 0..1 + seed % 3 {
            nasty.keyed_table(100 + number);
        }
        for _ in 0..seed % 3 {
            nasty.close_circle();
        }
        let schema = schema(nasty.tables);
        let mut specs = specs(&nasty.scenario);
        // Junctions of small tables hold few rows.
        let plan = loop {
            match FillPlan::new(&schema, &specs, seed) {
                Err(SynthError::TooFewCombinations { table, rows, .. }) if rows > 1 => {
                    let name = table.trim_start_matches("public.");
                    specs.get_mut(name).unwrap().rows /= 2;
                    halved += 1;
                }
                made => break made,
            }
        };
        let shown = || format!("seed {seed} in\n{}{}", nasty.scenario, describe(&schema));
        let plan = plan.unwrap_or_else(|error| panic!("{error}: {}", shown()));
        let broken = broken(&schema, &plan);
        assert!(broken.is_empty(), "{broken:?}: {}", shown());
    }
    assert!(halved < 600, "{halved} times too few combinations");
}

/// The keys of a schema, for a failing test.
fn describe(schema: &Schema) -> String {
    let mut text = String::new();
    for table in &schema.tables {
        text += &format!("{}\n", table.name.name);
        for key in &table.unique_keys {
            text += &format!("  unique {:?}\n", key.columns);
        }
        for key in &table.foreign_keys {
            let (to, columns) = (&key.references.name, &key.referenced_columns);
            text += &format!("  {:?} > {to} {columns:?}\n", key.columns);
        }
    }
    text
}
