// SPDX-License-Identifier: Apache-2.0
#include "bridge/security_watch.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "bridge/config/text_format.h"
#include "bridge/security/policy_file.h"
#include "spdlog/spdlog.h"

namespace kchan {
namespace {

constexpr absl::Duration kWarnBefore = absl::Hours(30 * 24);
constexpr absl::Duration kSayAgain = absl::Hours(24);

constexpr char kPart[] = "security";
constexpr char kReadAgain[] = "; it is read again within seconds, and on SIGHUP";

std::string Date(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d %H:%M UTC", time, absl::UTCTimeZone());
}

void AddExpiry(const std::string& subject, const std::string& file, absl::Time expires,
               absl::Time now, std::vector<hub::Problem>& problems) {
  if (expires - now > kWarnBefore) return;
  const bool is_over = expires <= now;
  problems.push_back(
      {.subject = subject,
       .description = absl::StrCat(file, is_over ? " has expired on " : " expires on ",
                                   Date(expires), is_over ? ": no client can connect" : ""),
       .remedy = absl::StrCat("replace it", kReadAgain)});
}

}  // namespace

std::vector<hub::Problem> ProblemsOf(const rpc::Server::TlsState& tls, absl::Time now) {
  std::vector<hub::Problem> problems;
  const std::string subject = absl::StrCat("TLS of ", tls.address);
  if (!tls.files_status.ok()) {
    problems.push_back({.subject = subject,
                        .description = absl::StrCat(std::string(tls.files_status.message()),
                                                    "; new connections get what was read before"),
                        .remedy = absl::StrCat("correct it", kReadAgain)});
  }
  AddExpiry(subject, absl::StrCat("certificate ", tls.files.certificate_file),
            tls.certificates.expires, now, problems);
  AddExpiry(subject, absl::StrCat("client CA ", tls.files.client_ca_file),
            tls.certificates.client_ca_expires, now, problems);
  return problems;
}

SecurityWatch::SecurityWatch(rpc::Server& server, hub::Hub& hub, std::string policy_file,
                             std::chrono::seconds interval)
    : server_(server), hub_(hub), interval_(interval), policy_file_(std::move(policy_file)) {
  const std::lock_guard lock(mutex_);
  LookLocked();
  if (!policy_file_.empty() || !certificates_.empty()) StartLocked();
}

SecurityWatch::~SecurityWatch() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void SecurityWatch::Look() {
  const std::lock_guard lock(mutex_);
  LookLocked();
}

void SecurityWatch::SetPolicyFile(std::string policy_file) {
  const std::lock_guard lock(mutex_);
  if (policy_file != policy_file_) {
    policy_file_ = std::move(policy_file);
    policy_text_.reset();
    policy_status_ = absl::OkStatus();
    if (policy_file_.empty()) {
      spdlog::warn("policy: there is none any more; listeners' rights decide");
      server_.SetPolicy(nullptr);
    }
  }
  LookLocked();
  if (!policy_file_.empty() && !thread_.joinable()) StartLocked();
}

void SecurityWatch::StartLocked() {
  thread_ = std::thread([this] { Loop(); });
  pthread_setname_np(thread_.native_handle(), "security");
}

void SecurityWatch::Loop() {
  std::unique_lock lock(mutex_);
  while (!stop_changed_.wait_for(lock, interval_, [this] { return stopping_; })) LookLocked();
}

void SecurityWatch::LookLocked() {
  std::vector<hub::Problem> problems;
  LookAtPolicyLocked(problems);
  LookAtCertificatesLocked(problems);
  SayLocked(problems);
  hub_.SetOwnProblems(kPart, std::move(problems));
}

void SecurityWatch::LookAtPolicyLocked(std::vector<hub::Problem>& problems) {
  if (policy_file_.empty()) return;
  auto text = security::ReadPolicyText(policy_file_);
  if (!text.ok()) {
    policy_status_ = text.status();
    policy_text_.reset();
  } else if (*text != policy_text_ || !policy_status_.ok()) {
    const auto policy = security::ParsePolicy(*text, policy_file_);
    policy_status_ = policy.status();
    if (policy.ok()) {
      server_.SetPolicy(*policy);
      spdlog::info("policy: {} is in force", policy_file_);
    }
    policy_text_ = *std::move(text);
  }
  if (policy_status_.ok()) return;
  problems.push_back({.subject = "policy",
                      .description = absl::StrCat(std::string(policy_status_.message()),
                                                  "; the policy before it goes on"),
                      .remedy = absl::StrCat("correct it (kchand --check-config)", kReadAgain)});
}

void SecurityWatch::LookAtCertificatesLocked(std::vector<hub::Problem>& problems) {
  const absl::Time now = absl::Now();
  for (const rpc::Server::TlsState& tls : server_.ReloadCertificates()) {
    const auto [known, is_new] = certificates_.emplace(tls.address, tls.certificates);
    if (is_new || known->second != tls.certificates) {
      spdlog::info("TLS of {}: certificate {} is in use, until {}", tls.address,
                   tls.files.certificate_file, Date(tls.certificates.expires));
      known->second = tls.certificates;
    }
    for (hub::Problem& problem : ProblemsOf(tls, now)) problems.push_back(std::move(problem));
  }
}

void SecurityWatch::SayLocked(const std::vector<hub::Problem>& problems) {
  const absl::Time now = absl::Now();
  std::map<std::string, absl::Time> said;
  for (const hub::Problem& problem : problems) {
    const std::string line =
        absl::StrCat(problem.subject, ": ", problem.description, "; ", problem.remedy);
    const auto before = said_.find(line);
    const bool is_due = before == said_.end() || now - before->second >= kSayAgain;
    if (is_due) spdlog::warn("{}", line);
    said.emplace(line, is_due ? now : before->second);
  }
  said_ = std::move(said);
}

}  // namespace kchan
