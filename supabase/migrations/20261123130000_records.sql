-- What generated pages collect, and who shares one. A record is of one page by its row, and numbered within it.
--
-- wtaf_submissions may be of the older service's making: then what it has stays as it is, and each of its rows whose page is known becomes a record.
-- Running this twice is harmless.

do $$
begin
    if exists (
        select 1 from information_schema.columns
        where table_schema = current_schema() and table_name = 'wtaf_submissions' and column_name = 'submission_id'
    ) then
        if not exists (
            select 1 from information_schema.columns
            where table_schema = current_schema() and table_name = 'wtaf_submissions' and column_name = 'page_id'
        ) then
            alter table wtaf_submissions rename column content_id to page_id;
            -- `json` gives back what came, with its fields in their order; `jsonb` would not.
            alter table wtaf_submissions alter column submission_data type json using submission_data::text::json;
        end if;
    else
        alter table wtaf_submissions add column if not exists page_id bigint references wtaf_content (content_id);
    end if;
end
$$;

alter table wtaf_submissions
    add column if not exists number bigint,
    add column if not exists collection text not null default 'main',
    add column if not exists by_friend text,
    add column if not exists bytes bigint not null default 0,
    add column if not exists created_ms bigint,
    add column if not exists updated_ms bigint;

-- Rows of the older service name a page by its `id`.
do $$
declare
    needed text;
begin
    if (
        select count(*) from information_schema.columns
        where table_schema = current_schema()
            and (table_name, column_name) in (('wtaf_submissions', 'content_id'), ('wtaf_content', 'id'))
    ) = 2 then
        execute 'update wtaf_submissions s set page_id = c.content_id from wtaf_content c '
            'where s.page_id is null and c.id::text = s.content_id::text';
    end if;
    for needed in
        select a.attname
        from pg_attribute a
        where a.attrelid = 'wtaf_submissions'::regclass and a.attnum > 0 and not a.attisdropped
            and a.attnotnull and not a.atthasdef and a.attidentity = '' and a.attname <> 'page_id'
            and not exists (
                select 1 from pg_index i where i.indrelid = a.attrelid and i.indisprimary and a.attnum = any (i.indkey)
            )
    loop
        execute format('alter table wtaf_submissions alter column %I drop not null', needed);
    end loop;
end
$$;

update wtaf_submissions
    set created_ms = (extract(epoch from coalesce(created_at, now())) * 1000)::bigint
    where created_ms is null;
update wtaf_submissions s
    set number = n.number, bytes = coalesce(octet_length(s.submission_data::text), 0), updated_ms = s.created_ms,
        submission_data = coalesce(s.submission_data, '{}')
    from (select ctid as place, row_number() over (partition by page_id order by created_ms, ctid) as number from wtaf_submissions) n
    where n.place = s.ctid and s.number is null;
alter table wtaf_submissions
    alter column created_ms set default (extract(epoch from now()) * 1000)::bigint,
    alter column created_ms set not null,
    alter column updated_ms set default (extract(epoch from now()) * 1000)::bigint,
    alter column updated_ms set not null;
create unique index if not exists wtaf_submissions_number on wtaf_submissions (page_id, number);
create index if not exists wtaf_submissions_kind on wtaf_submissions (page_id, collection, number);
drop index if exists wtaf_submissions_content;

-- What a page has of each kind, and under an empty name of all kinds; `changes` is the number of the newest change.
create table if not exists wtaf_collections (
    page_id bigint not null references wtaf_content (content_id),
    collection text collate "C" not null,
    changes bigint not null,
    records bigint not null,
    bytes bigint not null,
    primary key (page_id, collection)
);
insert into wtaf_collections (page_id, collection, changes, records, bytes)
    select page_id, '', max(number), count(*), sum(bytes) from wtaf_submissions where page_id is not null group by page_id
    union all
    select page_id, collection, max(number), count(*), sum(bytes) from wtaf_submissions where page_id is not null group by page_id, collection
    on conflict do nothing;

create table if not exists wtaf_friends (
    page_id bigint not null references wtaf_content (content_id),
    name_key text not null,
    name text not null,
    passcode_hash text not null,
    created_ms bigint not null,
    primary key (page_id, name_key)
);

-- Secrets that all processes share.
create table if not exists wtaf_keys (
    name text primary key,
    secret text not null,
    created_ms bigint not null default (extract(epoch from now()) * 1000)::bigint
);

do $$
declare
    ours text;
    browsing text;
begin
    foreach ours in array array['wtaf_collections', 'wtaf_friends', 'wtaf_keys'] loop
        execute format('alter table %I enable row level security', ours);
        foreach browsing in array array['anon', 'authenticated'] loop
            if exists (select 1 from pg_roles where rolname = browsing) then
                execute format('revoke all on table %I from %I', ours, browsing);
            end if;
        end loop;
    end loop;
end
$$;
