-- Sales, by the number of their transaction.
CREATE TABLE sales (
  transaction_id NUMBER(19) PRIMARY KEY,
  store_id NUMBER(10) NOT NULL,
  amount NUMBER(12, 2) NOT NULL,
  sold_at TIMESTAMP(6) NOT NULL
);
