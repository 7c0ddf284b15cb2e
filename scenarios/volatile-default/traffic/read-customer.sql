\pick customer customers.id
SELECT email, full_name, city FROM customers WHERE id = :customer;
