"""Orthanc's changes in, complete input sets and the jobs on them out."""
