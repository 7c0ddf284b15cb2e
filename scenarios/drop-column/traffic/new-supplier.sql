INSERT INTO suppliers (name, city) VALUES ('Another Supplier', 'Leiden');
