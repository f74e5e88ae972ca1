-- How often pages are looked at, by page and day; who looked is not known. A day is days since 1970.

create table if not exists wtaf_views (
    content_id bigint not null references wtaf_content (content_id),
    day bigint not null,
    views bigint not null,
    primary key (content_id, day)
);
create index if not exists wtaf_views_day on wtaf_views (day);

-- Remixes and marks are counted by the page they are of.
create index if not exists wtaf_content_remix on wtaf_content (remix_of) where remix_of is not null;
create index if not exists wtaf_faves_content on wtaf_faves (content_id);

-- Descriptions were the words that people asked with, which are theirs. A page without one is described by its own text.
update wtaf_content set description = '' where description <> '';
update wtaf_versions set description = '' where description <> '';

alter table wtaf_views enable row level security;
do $$
declare
    browsing text;
begin
    foreach browsing in array array['anon', 'authenticated'] loop
        if exists (select 1 from pg_roles where rolname = browsing) then
            execute format('revoke all on table wtaf_views from %I', browsing);
        end if;
    end loop;
end
$$;
