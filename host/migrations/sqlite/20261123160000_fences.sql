-- Which worker's writes for a job count, where several machines share the work: the higher number's. Empty with the queue in files.
create table wtaf_fences (
    job_id text primary key,
    fence integer not null,
    at_ms integer not null
);
create index wtaf_fences_at on wtaf_fences (at_ms);
