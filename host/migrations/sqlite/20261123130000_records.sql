-- What generated pages collect, and who shares one. A record is of one page by its row, and numbered within it.

alter table wtaf_submissions rename column content_id to page_id;
alter table wtaf_submissions add column number integer not null default 0;
alter table wtaf_submissions add column collection text not null default 'main';
alter table wtaf_submissions add column by_friend text;
alter table wtaf_submissions add column bytes integer not null default 0;
alter table wtaf_submissions add column updated_ms integer not null default 0;
update wtaf_submissions set
    number = (select count(*) from wtaf_submissions s where s.page_id = wtaf_submissions.page_id and s.submission_id <= wtaf_submissions.submission_id),
    bytes = length(cast(submission_data as blob)),
    updated_ms = created_ms;
create unique index wtaf_submissions_number on wtaf_submissions (page_id, number);
create index wtaf_submissions_kind on wtaf_submissions (page_id, collection, number);
drop index wtaf_submissions_content;

-- What a page has of each kind, and under an empty name of all kinds; `changes` is the number of the newest change.
create table wtaf_collections (
    page_id integer not null references wtaf_content (content_id),
    collection text not null,
    changes integer not null,
    records integer not null,
    bytes integer not null,
    primary key (page_id, collection)
) strict, without rowid;
insert into wtaf_collections (page_id, collection, changes, records, bytes)
    select page_id, '', max(number), count(*), sum(bytes) from wtaf_submissions group by page_id
    union all select page_id, collection, max(number), count(*), sum(bytes) from wtaf_submissions group by page_id, collection;

create table wtaf_friends (
    page_id integer not null references wtaf_content (content_id),
    name_key text not null,
    name text not null,
    passcode_hash text not null,
    created_ms integer not null,
    primary key (page_id, name_key)
) strict, without rowid;

-- Secrets that all processes share.
create table wtaf_keys (
    name text primary key,
    secret text not null,
    created_ms integer not null default (unixepoch('subsec') * 1000)
) strict;
