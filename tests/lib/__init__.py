"""What the scripts that attack the server share. Python's standard library only; namespaces, the server
and waiting come from interop/lib."""
