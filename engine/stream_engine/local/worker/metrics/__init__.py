"""How a worker measures itself while somebody watches the job."""
