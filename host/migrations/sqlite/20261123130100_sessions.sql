-- Who is signed in where, the codes on their way, and what became of guests who signed in. The same as supabase/migrations.

-- A browser, or another client, that has signed in. Tokens are kept as digests; a session ends when it was not seen for a season.
create table wtaf_sessions (
    session_key text primary key,
    person_id integer not null references sms_subscribers (person_id),
    -- The guest this browser was before: what was asked then stays visible there.
    guest_key text,
    created_ms integer not null,
    seen_ms integer not null
) strict;
create index wtaf_sessions_person on wtaf_sessions (person_id);
create index wtaf_sessions_seen on wtaf_sessions (seen_ms);

-- One code for each browser that asked. No number: it is in the hash, which needs the browser's own token to be made.
create table wtaf_codes (
    session_key text primary key,
    code_hash text not null,
    tries integer not null default 0,
    expires_ms integer not null
) strict;
create index wtaf_codes_expires on wtaf_codes (expires_ms);

-- Guests whose pages went to the person they turned out to be. A job that began as the guest's ends as the heir's.
create table wtaf_moved_guests (
    person_id integer primary key references sms_subscribers (person_id),
    guest_key text not null,
    slug text not null,
    heir_id integer not null references sms_subscribers (person_id),
    moved_ms integer not null
) strict;
create index wtaf_moved_guests_key on wtaf_moved_guests (guest_key);

-- Where a page was before it moved with its owner; it points at the page itself, so later renames are followed.
create table wtaf_moved_pages (
    user_slug text not null,
    app_slug text not null,
    person_id integer not null references sms_subscribers (person_id),
    content_id integer not null references wtaf_content (content_id),
    primary key (user_slug, app_slug)
) strict;
create index wtaf_moved_pages_person on wtaf_moved_pages (person_id, app_slug);
