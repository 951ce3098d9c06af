"""Which cards a job may have, who has them now, and the locks that all OpenLoRA of a machine honour."""
