//! What holds whatever the seed.

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn rows_do_not_depend_on_how_they_are_cut(seed: u64, cut in 0u64..=900, limit in 1usize..3_000) {
        let schema = schema(tenants());
        let plan = FillPlan::new(&schema, &specs(TENANTS), seed).unwrap();
        let orders = plan.table("orders").unwrap();
        let mut whole = Vec::new();
        orders.encode(0..900, usize::MAX, &mut whole);
        let mut parts = Vec::new();
        for range in [0..cut, cut..900] {
            let mut from = range.start;
            while from < range.end {
                let mut part = Vec::new();
                from = orders.encode(from..range.end, limit, &mut part);
                parts.extend(part);
            }
        }
        prop_assert_eq!(whole, parts);
    }

    #[test]
    fn picks_are_in_the_data_and_fresh_values_are_not(
        seed: u64,
        randoms in proptest::collection::vec(any::<u64>(), 20),
        fresh in 0u64..1_000_000,
        distribution in prop::option::of(prop::sample::select(vec!["zipf(1.3)", "normal(0.5,0.1)", "exponential(4)"])),
    ) {
        let schema = schema(tenants());
        let plan = Arc::new(FillPlan::new(&schema, &specs(TENANTS), seed).unwrap());
        let mut keys = KeyBook::new(Arc::clone(&plan));
        for (table, column, index) in [
            ("tenants", "id", 0),
            ("tenants", "name", 1),
            ("users", "id", 1),
            ("users", "mail", 3),
            ("orders", "id", 1),
            ("orders", "user_id", 2),
            ("orders", "placed", 3),
            ("lines", "order_id", 1),
        ] {
            let key = keys.resolve(table, column, distribution).unwrap();
            let values: BTreeSet<_> =
                project(&rows(&plan, table), &[index]).into_iter().flatten().flatten().collect();
            for random in &randoms {
                let pick = keys.pick(key, *random);
                prop_assert!(values.contains(&pick), "{}.{}: {}", table, column, pick);
            }
            prop_assert!(!values.contains(&keys.fresh(key, fresh)));
            prop_assert_ne!(keys.fresh(key, fresh), keys.fresh(key, fresh + 1));
        }
        // All that the type holds may be in some row.
        let n = keys.resolve("profiles", "n", distribution).unwrap();
        prop_assert!(!keys.has_fresh(n));
    }
}
