#!/bin/sh
# The store takes its keys from the environment; here they come from files.
set -eu
ROOT_ACCESS_KEY_ID=$(cat /run/secrets/store_access_key)
ROOT_SECRET_ACCESS_KEY=$(cat /run/secrets/store_secret_key)
export ROOT_ACCESS_KEY_ID ROOT_SECRET_ACCESS_KEY
exec /app/versitygw "$@"
