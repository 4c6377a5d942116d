"""What holds for all tests of the rooms."""

from hypothesis import settings

settings.register_profile("without timing", deadline=None)  # whoever tests on a busy machine is not to wait for luck
settings.load_profile("without timing")
