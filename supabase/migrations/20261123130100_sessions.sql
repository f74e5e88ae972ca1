-- Who is signed in where, the codes on their way, and what became of guests who signed in. The same as host/migrations/sqlite.

-- A browser, or another client, that has signed in. Tokens are kept as digests; a session ends when it was not seen for a season.
create table if not exists wtaf_sessions (
    session_key text primary key,
    person_id bigint not null references sms_subscribers (person_id),
    -- The guest this browser was before: what was asked then stays visible there.
    guest_key text,
    created_ms bigint not null,
    seen_ms bigint not null
);
create index if not exists wtaf_sessions_person on wtaf_sessions (person_id);
create index if not exists wtaf_sessions_seen on wtaf_sessions (seen_ms);

-- One code for each browser that asked. No number: it is in the hash, which needs the browser's own token to be made.
create table if not exists wtaf_codes (
    session_key text primary key,
    code_hash text not null,
    tries bigint not null default 0,
    expires_ms bigint not null
);
create index if not exists wtaf_codes_expires on wtaf_codes (expires_ms);

-- Guests whose pages went to the person they turned out to be. A job that began as the guest's ends as the heir's.
create table if not exists wtaf_moved_guests (
    person_id bigint primary key references sms_subscribers (person_id),
    guest_key text not null,
    slug text not null,
    heir_id bigint not null references sms_subscribers (person_id),
    moved_ms bigint not null
);
create index if not exists wtaf_moved_guests_key on wtaf_moved_guests (guest_key);

-- Where a page was before it moved with its owner; it points at the page itself, so later renames are followed.
create table if not exists wtaf_moved_pages (
    user_slug text not null,
    app_slug text not null,
    person_id bigint not null references sms_subscribers (person_id),
    content_id bigint not null references wtaf_content (content_id),
    primary key (user_slug, app_slug)
);
create index if not exists wtaf_moved_pages_person on wtaf_moved_pages (person_id, app_slug);

-- For the engine's own role alone.
do $$
declare
    ours text;
    browsing text;
begin
    foreach ours in array array['wtaf_sessions', 'wtaf_codes', 'wtaf_moved_guests', 'wtaf_moved_pages'] loop
        execute format('alter table %I enable row level security', ours);
        foreach browsing in array array['anon', 'authenticated'] loop
            if exists (select 1 from pg_roles where rolname = browsing) then
                execute format('revoke all on table %I from %I', ours, browsing);
            end if;
        end loop;
    end loop;
end
$$;
