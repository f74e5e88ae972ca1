-- Which worker's writes for a job count, where several machines share the work: the higher number's. Empty with the queue in files.
create table if not exists wtaf_fences (
    job_id text primary key,
    fence bigint not null,
    at_ms bigint not null
);
create index if not exists wtaf_fences_at on wtaf_fences (at_ms);

-- For the engine's own role alone.
alter table wtaf_fences enable row level security;
do $$
declare
    browsing text;
begin
    foreach browsing in array array['anon', 'authenticated'] loop
        if exists (select 1 from pg_roles where rolname = browsing) then
            execute format('revoke all on table wtaf_fences from %I', browsing);
        end if;
    end loop;
end
$$;
