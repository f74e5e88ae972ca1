-- How often pages are looked at, by page and day; who looked is not known. A day is days since 1970.

create table wtaf_views (
    content_id integer not null references wtaf_content (content_id),
    day integer not null,
    views integer not null,
    primary key (content_id, day)
) strict, without rowid;
create index wtaf_views_day on wtaf_views (day);

-- Remixes and marks are counted by the page they are of.
create index wtaf_content_remix on wtaf_content (remix_of) where remix_of is not null;
create index wtaf_faves_content on wtaf_faves (content_id);

-- Descriptions were the words that people asked with, which are theirs. A page without one is described by its own text.
update wtaf_content set description = '' where description <> '';
update wtaf_versions set description = '' where description <> '';
