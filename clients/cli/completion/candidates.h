// SPDX-License-Identifier: Apache-2.0
#ifndef KCHAN_CLIENTS_CLI_COMPLETION_CANDIDATES_H_
#define KCHAN_CLIENTS_CLI_COMPLETION_CANDIDATES_H_

#include <string>
#include <vector>

#include "completion/place.h"
#include "session.h"

namespace kchan::cli {

// A word that may stand there, and what it is.
struct Candidate {
  std::string text;
  std::string documentation = {};
};

struct Candidates {
  std::vector<Candidate> words = {};
  bool are_files = false;  // the shell knows them
};

// What an argument's value may be: names that the daemon knows, asked for with a
// short timeout. Nothing, where it cannot be reached.
Candidates CandidatesFor(const CompletionPlace& place, GlobalOptions options);

}  // namespace kchan::cli

#endif  // KCHAN_CLIENTS_CLI_COMPLETION_CANDIDATES_H_
