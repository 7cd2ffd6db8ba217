"""What travels between the steps: the request, its tasks, the jobs, the result. Nothing of any provider."""
