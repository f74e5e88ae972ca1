-- What the sender of a record knows it by: sent again, since the answer was lost, it is there once.
alter table wtaf_submissions add column if not exists once text;
create unique index if not exists wtaf_submissions_once on wtaf_submissions (page_id, collection, once) where once is not null;
