#!/usr/bin/env bash
# Fetches the two commits under judgement as git objects into the bare repository $RUNNER_TEMP/repository, as
# refs/ftgate/base and refs/ftgate/head. Nothing is ever checked out.
#   BASE_REF  full name of the base branch, or a commit for a push
#   BASE_SHA  commit of the base; empty: the tip of BASE_REF
#   HEAD_REF  full name of the head's ref
#   HEAD_SHA  commit of the head; empty: the tip of HEAD_REF
#   KEEP      true: the token stays in the repository, for a job that pushes
#   MAY_MOVE  true: HEAD_SHA is a commit of HEAD_REF, not always its tip
# A head that has moved is refused: what was asked for, what was approved and what is read must be one commit.
set -euo pipefail
repository=$RUNNER_TEMP/repository
git init --quiet --bare --template= "$repository"
git -C "$repository" config remote.origin.url "$SERVER/$REPOSITORY"

# In the environment and not in the arguments, which every process of the machine can read.
if [ -n "${TOKEN:-}" ]; then
  export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="http.$SERVER/.extraheader"
  GIT_CONFIG_VALUE_0="AUTHORIZATION: basic $(printf 'x-access-token:%s' "$TOKEN" | base64 | tr -d '\n')"
  export GIT_CONFIG_VALUE_0
  if [ "${KEEP:-}" = true ]; then
    printf '[http "%s/"]\n\textraheader = %s\n' "$SERVER" "$GIT_CONFIG_VALUE_0" >> "$repository/config"
  fi
fi
export GIT_TERMINAL_PROMPT=0

refuse() {
  echo "::error::$1"
  exit 4
}
for name in BASE_REF HEAD_REF; do
  git check-ref-format "${!name}" && [[ ${!name} == refs/* ]] || refuse "$name is no full name of a ref"
done
for name in BASE_SHA HEAD_SHA; do
  [[ ${!name} =~ ^([0-9a-f]{40})?$ ]] || refuse "$name is no full SHA"
done

git -C "$repository" fetch --quiet --no-tags --no-recurse-submodules origin \
  "+$BASE_REF:refs/fetched/base" "+$HEAD_REF:refs/fetched/head" \
  "+refs/heads/ftgate-data*:refs/ftgate/data*" # baselines; as a pattern, because a new repository has none
base=$(git -C "$repository" rev-parse --verify --quiet "refs/fetched/base^{commit}")
head=$(git -C "$repository" rev-parse --verify --quiet "refs/fetched/head^{commit}")
is_part() { git -C "$repository" merge-base --is-ancestor "$1" "$2" 2>/dev/null; }
if [ "${MAY_MOVE:-}" = true ] && is_part "$HEAD_SHA" "$head"; then
  head=$HEAD_SHA
fi
if [ -n "$HEAD_SHA" ] && [ "$head" != "$HEAD_SHA" ]; then
  refuse "the head has moved from $HEAD_SHA to $head: this run is about a commit that is not the head any more"
fi
if [ -n "$BASE_SHA" ]; then
  # The base branch may have moved on; the commit that the first job read must still be part of it.
  is_part "$BASE_SHA" "$base" || refuse "the base $BASE_SHA is no commit of the base branch (any more)"
  base=$BASE_SHA
fi
git -C "$repository" update-ref refs/ftgate/base "$base"
git -C "$repository" update-ref refs/ftgate/head "$head"
echo "base $base"
echo "head $head"
