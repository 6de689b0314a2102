-- For lists of the few runs among many: those that have not ended, and those that ended badly. A run that
-- goes well leaves the first and never enters the second, which holds all that lists ask for.

CREATE INDEX runs_open ON runs (tenant_id, run_id)
    WHERE status <> 'succeeded' AND status <> 'failed' AND status <> 'cancelled';
CREATE INDEX runs_unwell ON runs (tenant_id, run_id, status, agent, requester, recipe_id, mode)
    WHERE status = 'failed' OR status = 'cancelled';

UPDATE schema_info SET version = 11;
