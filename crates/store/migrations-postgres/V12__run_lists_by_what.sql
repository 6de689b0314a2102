-- An index that begins with the tenant and ends with the run looks as good as the primary key for finding
-- one run, as long as the planner has no statistics: it then reads all runs of the tenant to find one. With
-- the tenant second, these serve the same lists and can't be mistaken for it.

DROP INDEX runs_status;
DROP INDEX runs_recipe;
DROP INDEX runs_requester;
DROP INDEX runs_mode;

CREATE INDEX runs_status ON runs (status, tenant_id, run_id);
CREATE INDEX runs_recipe ON runs (recipe_id, tenant_id, run_id);
CREATE INDEX runs_requester ON runs (requester, tenant_id, run_id);
CREATE INDEX runs_mode ON runs (mode, tenant_id, run_id);

UPDATE schema_info SET version = 12;
