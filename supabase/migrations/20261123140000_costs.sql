-- Each call is paid for once in the books, and known by whose job it was for.

alter table wtaf_costs add column if not exists call_no bigint;
alter table wtaf_costs add column if not exists person_id bigint;
create unique index if not exists wtaf_costs_call on wtaf_costs (job_id, call_no);
create index if not exists wtaf_jobs_finished on wtaf_jobs (finished_ms);
create index if not exists wtaf_effects_old on wtaf_effects (created_ms);
