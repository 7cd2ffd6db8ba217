"""HTTP for providers: the connection, the guard around foreign URLs, the splitter that takes pictures out of JSON."""
