"""How this program speaks to the kubelet: serving resources, registering them, and surviving its restarts.

Knows nothing of discovery, and never imports it. It reads snapshots, and hands back nothing but
allocations. Event loop only.
"""
