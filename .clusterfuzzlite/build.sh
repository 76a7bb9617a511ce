#!/bin/bash -eu
# Run by OSS-Fuzz and ClusterFuzzLite in their image; scripts/fuzz-build.sh runs anywhere.
exec "$SRC/purewire/scripts/fuzz-build.sh"
