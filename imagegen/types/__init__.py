"""What travels between the steps: the request, the tasks it becomes, the jobs, the result. No behaviour of any provider."""
