"""How this program speaks to the kubelet: serving resources, registering them, and surviving its restarts.

Floor 4: knows nothing of discovery, and never imports it. It reads snapshots, and hands back nothing but
allocations. Everything here runs on the main loop.
"""
