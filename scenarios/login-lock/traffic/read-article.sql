-- An article that is free to read.
\pick article articles.id
SELECT title, body FROM articles WHERE id = :article;
