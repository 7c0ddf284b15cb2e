//! Statements as libraries of applications write them.

use super::*;

#[test]
fn statements_of_rails_applications() {
    all_have(&[
        (
            r#"SELECT "users".* FROM "users" WHERE "users"."id" = $1 LIMIT $2"#,
            "=users.id ; limit",
        ),
        (
            r#"SELECT $1 AS one FROM "users" WHERE "users"."email" = $2 LIMIT $3"#,
            "? ; =users.email ; limit",
        ),
        (
            r#"SELECT "posts".* FROM "posts" WHERE "posts"."user_id" = $1 AND "posts"."status" = $2 ORDER BY "posts"."created_at" DESC LIMIT $3 OFFSET $4"#,
            "=posts.user_id ; =posts.status ; limit ; offset",
        ),
        (
            r#"SELECT COUNT(*) FROM "posts" INNER JOIN "comments" ON "comments"."post_id" = "posts"."id" WHERE "comments"."author_id" = $1"#,
            "=comments.author_id",
        ),
        (
            r#"INSERT INTO "posts" ("user_id", "title", "created_at", "updated_at") VALUES ($1, $2, $3, $4) RETURNING "id""#,
            "+posts.user_id[0] ; +posts.title[0] ; +posts.created_at[0] ; +posts.updated_at[0]",
        ),
        (
            r#"UPDATE "users" SET "last_seen_at" = $1, "updated_at" = $2 WHERE "users"."id" = $3"#,
            ":users.last_seen_at ; :users.updated_at ; =users.id",
        ),
        (
            r#"DELETE FROM "sessions" WHERE "sessions"."updated_at" < $1"#,
            "<sessions.updated_at",
        ),
        (
            r#"SELECT "tags".* FROM "tags" WHERE "tags"."id" IN ($1, $2, $3)"#,
            "in tags.id ; in tags.id ; in tags.id",
        ),
        (
            r#"UPDATE "posts" SET "comments_count" = COALESCE("posts"."comments_count", $1) + $2 WHERE "posts"."id" = $3"#,
            "<>posts.comments_count ; ? ; =posts.id",
        ),
        (
            r#"SELECT "events".* FROM "events" WHERE "events"."starts_at" BETWEEN $1 AND $2"#,
            ">events.starts_at ; <events.starts_at",
        ),
        (
            r#"SELECT DISTINCT "users"."id" FROM "users" LEFT OUTER JOIN "roles" "r" ON "r"."user_id" = "users"."id" WHERE (r.name ILIKE $1 OR lower(users.email) = lower($2))"#,
            "~roles.name ; =users.email",
        ),
        (
            r#"INSERT INTO "likes" ("user_id","post_id") VALUES ($1, $2), ($3, $4) ON CONFLICT ("user_id","post_id") DO NOTHING RETURNING "id""#,
            "+likes.user_id[0] ; +likes.post_id[0] ; +likes.user_id[1] ; +likes.post_id[1]",
        ),
    ]);
}

#[test]
fn statements_of_django_applications() {
    all_have(&[
        (
            r#"SELECT "auth_user"."id", "auth_user"."username" FROM "auth_user" WHERE "auth_user"."username" = $1 LIMIT $2"#,
            "=auth_user.username ; limit",
        ),
        (
            r#"SELECT "shop_order"."id" FROM "shop_order" INNER JOIN "shop_customer" ON ("shop_order"."customer_id" = "shop_customer"."id") WHERE (NOT ("shop_customer"."country" = $1 AND "shop_customer"."country" IS NOT NULL) AND "shop_order"."total" >= $2)"#,
            "=shop_customer.country ; >shop_order.total",
        ),
        (
            r#"SELECT ($1) AS "a" FROM "django_session" WHERE ("django_session"."expire_date" > $2 AND "django_session"."session_key" = $3) LIMIT $4"#,
            "? ; >django_session.expire_date ; =django_session.session_key ; limit",
        ),
        (
            r#"UPDATE "shop_product" SET "stock" = ("shop_product"."stock" - $1) WHERE "shop_product"."id" = $2"#,
            "? ; =shop_product.id",
        ),
        (
            r#"SELECT COUNT(*) FROM (SELECT DISTINCT U0."id" AS Col1 FROM "shop_order" U0 WHERE U0."status" IN ($1, $2)) subquery"#,
            "in shop_order.status ; in shop_order.status",
        ),
        (
            r#"SELECT "a"."id" FROM "a" WHERE EXISTS(SELECT $1 AS "x" FROM "b" U0 WHERE (U0."a_id" = ("a"."id") AND U0."kind" = $2) LIMIT $3)"#,
            "? ; =b.kind ; limit",
        ),
        (
            r#"SELECT CASE WHEN "p"."kind" = $1 THEN $2 ELSE $3 END FROM "p" WHERE UPPER("p"."name"::text) LIKE UPPER($4)"#,
            "=p.kind ; ? ; ? ; ~p.name",
        ),
        (
            r#"UPDATE "p" SET "state" = CASE WHEN ("p"."id" = $1) THEN $2 ELSE $3 END WHERE "p"."id" IN ($4, $5)"#,
            "=p.id ; :p.state ; :p.state ; in p.id ; in p.id",
        ),
        (
            r#"SELECT "d"."id" FROM "d" WHERE "d"."at" >= $1::timestamptz AND "d"."at" < $2::timestamptz"#,
            ">d.at ; <d.at",
        ),
        (
            r#"DELETE FROM "t" WHERE "t"."id" IN ($1 /*, ... */)"#,
            "in t.id",
        ),
    ]);
}

#[test]
fn statements_of_hibernate_applications() {
    all_have(&[
        (
            "select u1_0.id,u1_0.email from users u1_0 where u1_0.email=$1 fetch first $2 rows only",
            "=users.email ; limit",
        ),
        (
            "select o1_0.id from orders o1_0 left join customers c1_0 on c1_0.id=o1_0.customer_id where c1_0.id=$1 order by o1_0.id offset $2 rows fetch first $3 rows only",
            "=customers.id ; offset ; limit",
        ),
        (
            "insert into orders (customer_id,total,id) values ($1,$2,$3)",
            "+orders.customer_id[0] ; +orders.total[0] ; +orders.id[0]",
        ),
        (
            "insert into audit values ($1,$2)",
            "+audit#0[0] ; +audit#1[0]",
        ),
        (
            "update orders set status=$1,version=$2 where id=$3 and version=$4",
            ":orders.status ; :orders.version ; =orders.id ; =orders.version",
        ),
        (
            "delete from orders where id=$1 and version=$2",
            "=orders.id ; =orders.version",
        ),
        ("select nextval($1)", "nextval/0"),
        (
            "select count(*) from app.orders o where o.total>$1 and o.note is distinct from $2",
            ">app.orders.total ; <>app.orders.note",
        ),
        (
            "select * from orders o where (o.customer_id,o.status) = ($1,$2)",
            "=orders.customer_id ; =orders.status",
        ),
        (
            "select * from orders o where (o.customer_id,o.status) in (($1,$2),($3,$4))",
            "in orders.customer_id ; in orders.status ; in orders.customer_id ; in orders.status",
        ),
        (
            "select * from orders o where (o.customer_id,o.status) in (($1,$2))",
            "in orders.customer_id ; in orders.status",
        ),
        (
            "select o.id from orders o where o.id in (select i.order_id from items i where i.sku=$1)",
            "=items.sku",
        ),
        (
            "select o.id from orders o where $1 in (select i.sku from items i where i.order_id=o.id)",
            "=items.sku",
        ),
        ("select 1 from orders where id=$1 for update", "=orders.id"),
        (
            "select o.id from orders o where $1 < o.total",
            ">orders.total",
        ),
        (
            "select o.id from orders o where o.status<>$1 and o.status not in ($2)",
            "<>orders.status ; <>orders.status",
        ),
    ]);
}

#[test]
fn statements_of_prisma_and_sqlx_applications() {
    all_have(&[
        (
            r#"SELECT "public"."User"."id", "public"."User"."email" FROM "public"."User" WHERE ("public"."User"."email" = $1 AND $2=$3) LIMIT $4 OFFSET $5"#,
            "=public.User.email ; = ; = ; limit ; offset",
        ),
        (
            r#"INSERT INTO "public"."User" ("id","email") VALUES ($1,$2) ON CONFLICT ("email") DO UPDATE SET "email" = $3 WHERE ("public"."User"."email" = $4 AND $5=$6) RETURNING "public"."User"."id""#,
            "+public.User.id[0] ; +public.User.email[0] ; :public.User.email ; =public.User.email ; = ; =",
        ),
        (
            "SELECT id FROM jobs WHERE state = $1 AND run_at <= now() ORDER BY run_at LIMIT $2 FOR UPDATE SKIP LOCKED",
            "=jobs.state ; limit",
        ),
        (
            "UPDATE jobs SET state = $1, locked_at = now() WHERE id = (SELECT id FROM jobs j WHERE j.state = $2 LIMIT $3 FOR UPDATE SKIP LOCKED) RETURNING *",
            ":jobs.state ; =jobs.state ; limit",
        ),
        ("SELECT * FROM users WHERE id = ANY($1)", "any users.id"),
        (
            "SELECT * FROM users WHERE id = ANY($1::bigint[]) AND kind <> ALL ($2)",
            "any users.id ; any users.kind",
        ),
        (
            "SELECT * FROM users WHERE id = ANY(ARRAY[$1, $2])",
            "in users.id ; in users.id",
        ),
        (
            "INSERT INTO points (series, at, value) SELECT * FROM unnest($1::int8[], $2::timestamptz[], $3::float8[])",
            "+points.series[0]* ; +points.at[0]* ; +points.value[0]*",
        ),
        (
            "SELECT * FROM users WHERE id IN (SELECT unnest($1::int8[]))",
            "any users.id",
        ),
        (
            "SELECT * FROM users WHERE tags @> $1 AND meta->>$2 = $3",
            "@users.tags ; ? ; =",
        ),
        (
            "SELECT * FROM users WHERE meta @> $1::jsonb AND meta ? $2",
            "@users.meta ; ?",
        ),
        (
            "SELECT * FROM sessions WHERE token = $1 AND created_at > now() - $2::interval",
            "=sessions.token ; ?",
        ),
        (
            "SELECT * FROM sessions WHERE created_at > now() - interval $1",
            "?",
        ),
        (
            "INSERT INTO kv SELECT $1, $2 WHERE NOT EXISTS (SELECT $3 FROM kv WHERE key = $4)",
            "+kv#0[0] ; +kv#1[0] ; ? ; =kv.key",
        ),
        (
            "UPDATE t SET (a, b) = ($1, $2) WHERE c = $3",
            ":t.a ; :t.b ; =t.c",
        ),
        (
            "UPDATE t SET data = jsonb_set(data, $1, $2), list[3] = $3 WHERE id = $4",
            "jsonb_set/1 ; jsonb_set/2 ; ? ; =t.id",
        ),
        (
            "SELECT date_trunc($1, at), extract($2 FROM at) FROM t WHERE at AT TIME ZONE $3 > $4",
            "date_trunc/0 ; at time zone/0 ; >",
        ),
    ]);
}

#[test]
fn statements_of_postgrest_and_by_hand() {
    all_have(&[
        (
            r#"WITH pgrst_source AS ( SELECT "public"."films".* FROM "public"."films" WHERE "public"."films"."id" = $1 LIMIT $2 OFFSET $3 ) SELECT $4::bigint AS total_result_set, pg_catalog.count(_postgrest_t) AS page_total FROM ( SELECT * FROM pgrst_source ) _postgrest_t"#,
            "=public.films.id ; limit ; offset ; ?",
        ),
        (
            "WITH recent AS (SELECT o.user_id AS buyer, o.* FROM orders o) SELECT * FROM recent r WHERE r.buyer = $1 AND r.status = $2",
            "=orders.user_id ; =orders.status",
        ),
        (
            "WITH recent (buyer) AS (SELECT user_id FROM orders) SELECT * FROM recent WHERE buyer = $1",
            "=orders.user_id",
        ),
        (
            "WITH RECURSIVE tree AS (SELECT id, parent_id FROM nodes WHERE id = $1 UNION ALL SELECT n.id, n.parent_id FROM nodes n JOIN tree t ON n.parent_id = t.id) SELECT * FROM tree WHERE parent_id = $2",
            "=nodes.id ; =nodes.parent_id",
        ),
        (
            "WITH gone AS (DELETE FROM jobs WHERE id = $1 RETURNING id, queue) INSERT INTO archive (job) SELECT id FROM gone WHERE queue = $2",
            "=jobs.id ; =jobs.queue",
        ),
        (
            "SELECT * FROM a, b WHERE x = $1 AND b.y = $2",
            "=a.x|b.x ; =b.y",
        ),
        (
            "SELECT * FROM (SELECT u.id AS uid FROM users u) s JOIN posts p ON p.user_id = s.uid WHERE s.uid = $1 AND p.slug LIKE $2",
            "=users.id ; ~posts.slug",
        ),
        (
            "SELECT * FROM a LEFT JOIN LATERAL (SELECT * FROM b WHERE b.a_id = a.id AND b.n > $1 ORDER BY n LIMIT $2) l ON $3 WHERE a.id = $4",
            ">b.n ; limit ; ? ; =a.id",
        ),
        (
            "SELECT * FROM users u WHERE coalesce(u.nick, $1) = $2",
            "<>users.nick ; =users.nick",
        ),
        (
            "UPDATE a SET x = b.x FROM b WHERE a.id = b.a_id AND b.k = $1 AND a.z = $2",
            "=b.k ; =a.z",
        ),
        (
            "DELETE FROM a USING b WHERE a.id = b.a_id AND b.k = $1",
            "=b.k",
        ),
        (
            "MERGE INTO stock s USING (SELECT $1::int AS id) n ON s.id = n.id WHEN MATCHED THEN UPDATE SET amount = $2 WHEN NOT MATCHED THEN INSERT (id, amount) VALUES ($3, $4)",
            "? ; :stock.amount ; +stock.id[0] ; +stock.amount[0]",
        ),
        (
            "SELECT * FROM t WHERE (created_at, id) < ($1, $2) ORDER BY created_at DESC, id DESC LIMIT $3",
            "<t.created_at ; <t.id ; limit",
        ),
        (
            "SELECT * FROM generate_series($1, $2) g JOIN t ON t.n = g WHERE t.m = $3",
            "generate_series/0 ; generate_series/1 ; =t.m",
        ),
        (
            "SELECT * FROM ONLY t WHERE t.a NOT BETWEEN $1 AND $2",
            ">t.a ; <t.a",
        ),
        ("SELECT a FROM t GROUP BY a HAVING count(*) > $1", ">"),
        (
            "SELECT a FROM t UNION SELECT b FROM u WHERE u.c = $1",
            "=u.c",
        ),
        ("VALUES ($1, $2)", "? ; ?"),
        (
            "SELECT * FROM t WHERE a = - $1 AND b = CAST($2 AS int) AND c ~* $3 AND d = $4 COLLATE \"C\"",
            "=t.a ; =t.b ; ~t.c ; =t.d",
        ),
        (
            "SELECT * FROM users WHERE id = $1 OR referrer_id = $1",
            "=users.id",
        ),
        (
            "SELECT row_number() OVER (PARTITION BY a ORDER BY b) FROM t WHERE a = (SELECT max(a) FROM t WHERE b = $1)",
            "=t.b|t.b",
        ),
    ]);
}
