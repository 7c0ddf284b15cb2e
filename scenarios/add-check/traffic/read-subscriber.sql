\pick subscriber subscribers.id
SELECT email, list, subscribed_at FROM subscribers WHERE id = :subscriber;
