"""The scale-out host: the same reducer, partitioned over worker processes by Kafka.

The relay sends the log to two topics, by card and by terminal; workers keep the windows; the sink
puts their answers back into the order of the log, scores them, and commits them to the store.
"""
