\fresh email customers.email
INSERT INTO customers (email, full_name, city) VALUES (:email, 'A New Customer', 'Delft');
