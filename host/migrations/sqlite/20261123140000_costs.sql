-- Each call is paid for once in the books, and known by whose job it was for.

alter table wtaf_costs add column call_no integer;
alter table wtaf_costs add column person_id integer;
create unique index wtaf_costs_call on wtaf_costs (job_id, call_no);
create index wtaf_effects_old on wtaf_effects (created_ms);
create index wtaf_jobs_finished on wtaf_jobs (finished_ms);
