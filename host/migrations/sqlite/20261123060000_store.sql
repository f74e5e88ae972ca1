-- The store on SQLite. The same tables, columns and numbers as supabase/migrations; moments are milliseconds since the epoch, and the readable
-- `created_at` and `updated_at` are computed from them.

create table sms_subscribers (
    person_id integer primary key autoincrement,
    phone_number text unique,
    guest_key text unique,
    slug text unique,
    role text,
    is_admin integer not null default 0,
    consent_given integer not null default 0,
    confirmed integer not null default 0,
    unsubscribed integer not null default 0,
    index_file text,
    created_ms integer not null default (unixepoch('subsec') * 1000),
    created_at text generated always as (strftime('%Y-%m-%dT%H:%M:%fZ', created_ms / 1000.0, 'unixepoch')) virtual
) strict;

-- Old slugs. They point at the person, not at the next slug, so a chain of renames is always one step long.
create table wtaf_redirects (
    slug text primary key,
    person_id integer not null references sms_subscribers (person_id),
    created_ms integer not null default (unixepoch('subsec') * 1000)
) strict;

create table wtaf_content (
    content_id integer primary key autoincrement,
    user_slug text not null,
    app_slug text not null,
    coach text,
    sender_phone text,
    original_prompt text,
    title text,
    description text,
    html_content text,
    status text not null default 'published',
    type text,
    og_image_url text,
    version integer not null default 1,
    hidden integer not null default 0,
    remix_of integer references wtaf_content (content_id),
    reserved_by text unique,
    created_ms integer not null default (unixepoch('subsec') * 1000),
    updated_ms integer not null default (unixepoch('subsec') * 1000),
    created_at text generated always as (strftime('%Y-%m-%dT%H:%M:%fZ', created_ms / 1000.0, 'unixepoch')) virtual,
    updated_at text generated always as (strftime('%Y-%m-%dT%H:%M:%fZ', updated_ms / 1000.0, 'unixepoch')) virtual,
    unique (user_slug, app_slug)
) strict;
create index wtaf_content_newest on wtaf_content (updated_ms) where status = 'published';

create table wtaf_versions (
    version_id integer primary key autoincrement,
    content_id integer not null references wtaf_content (content_id),
    version integer not null,
    restores integer,
    job_id text unique,
    title text not null,
    description text not null,
    html text not null,
    owner_html text,
    prompt text not null,
    created_ms integer not null,
    unique (content_id, version)
) strict;

create table wtaf_submissions (
    submission_id integer primary key autoincrement,
    content_id integer not null references wtaf_content (content_id),
    submission_data text not null,
    created_ms integer not null default (unixepoch('subsec') * 1000),
    created_at text generated always as (strftime('%Y-%m-%dT%H:%M:%fZ', created_ms / 1000.0, 'unixepoch')) virtual
) strict;
create index wtaf_submissions_content on wtaf_submissions (content_id, submission_id);

create table wtaf_faves (
    person_id integer not null references sms_subscribers (person_id),
    content_id integer not null references wtaf_content (content_id),
    created_ms integer not null default (unixepoch('subsec') * 1000),
    primary key (person_id, content_id)
) strict;

-- What account actions came to, written in the transaction that did them.
create table wtaf_effects (
    job_id text not null,
    step integer not null,
    result text not null,
    created_ms integer not null default (unixepoch('subsec') * 1000),
    primary key (job_id, step)
) strict;

create table wtaf_outbox (
    text_id integer primary key autoincrement,
    job_id text not null,
    occasion text not null,
    phone text not null,
    body text not null,
    status text not null default 'waiting' check (status in ('waiting', 'sending', 'sent', 'delivered', 'failed', 'withheld')),
    attempts integer not null default 0,
    sid text,
    segments integer,
    error text,
    due_ms integer not null,
    created_ms integer not null,
    updated_ms integer not null,
    unique (job_id, occasion)
) strict;
create index wtaf_outbox_open on wtaf_outbox (phone, text_id) where status in ('waiting', 'sending');
create index wtaf_outbox_due on wtaf_outbox (due_ms) where status in ('waiting', 'sending');
create index wtaf_outbox_phone on wtaf_outbox (phone, text_id);
create index wtaf_outbox_sid on wtaf_outbox (sid);

create table wtaf_events (
    job_id text not null,
    seq integer not null,
    name text not null,
    data text not null,
    at_ms integer not null,
    primary key (job_id, seq)
) strict, without rowid;

create table wtaf_jobs (
    job_id text primary key,
    status text not null,
    asker text not null,
    person_id integer,
    created_ms integer not null,
    finished_ms integer,
    snapshot text not null
) strict;
create index wtaf_jobs_status on wtaf_jobs (status, job_id);
create index wtaf_jobs_asker on wtaf_jobs (asker, job_id);

create table wtaf_turns (
    turn_id integer primary key autoincrement,
    person_id integer not null references sms_subscribers (person_id),
    job_id text not null,
    said_by text not null default '',
    words text not null,
    at_ms integer not null,
    unique (job_id, said_by)
) strict;
create index wtaf_turns_person on wtaf_turns (person_id, at_ms);

create table wtaf_spent (
    key text not null,
    job_id text not null,
    at_ms integer not null,
    primary key (key, job_id)
) strict, without rowid;
create index wtaf_spent_when on wtaf_spent (key, at_ms);

create table wtaf_costs (
    cost_id integer primary key autoincrement,
    job_id text not null,
    provider text not null,
    dollars real not null,
    at_ms integer not null
) strict;
create index wtaf_costs_when on wtaf_costs (at_ms);
