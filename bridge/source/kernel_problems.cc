// SPDX-License-Identifier: Apache-2.0
#include "bridge/source/kernel_problems.h"

#include "absl/strings/str_cat.h"

namespace kchan::source {
namespace {

constexpr char kKernelSide[] = "kernel side";

std::string RemedyFor(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kPermissionDenied:
      return "run kchand with CAP_NET_ADMIN, and as a member of the group kchan with /dev/kchan "
             "in its device cgroup";
    case absl::StatusCode::kAlreadyExists:
      return "stop the other reader of this channel";
    case absl::StatusCode::kResourceExhausted:
      return "change the channel's budget, or raise the limit that is named";
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kUnimplemented:
      return "install a module and a kchand of one version";
    default:
      return "none is needed if it passes: kchand keeps trying, ever more seldom";
  }
}

}  // namespace

hub::Problem AbsentProblem() {
  return {.subject = kKernelSide,
          .description = "kchan.ko is not loaded: no channel of the kernel is there",
          .remedy = "load it (modprobe kchan_sources), or install it first (package kchan-dkms)"};
}

hub::Problem AbiProblem(const NodeMessage& node) {
  return {
      .subject = kKernelSide,
      .description =
          absl::StrCat("kchan.ko ", node.module_version, " has ABI ", node.abi_major, ".",
                       node.abi_minor, ", this kchand speaks ", KCHAN_ABI_MAJOR, ".x"),
      .remedy = absl::StrCat("install the ", node.abi_major < KCHAN_ABI_MAJOR ? "module" : "kchand",
                             " that matches, and load the module again")};
}

hub::Problem QuiescedProblem() {
  return {.subject = kKernelSide,
          .description = "kchan.ko was told to let go of its users (quiesced)",
          .remedy = "unload it and load it again (modprobe -r kchan; modprobe kchan_sources)"};
}

hub::Problem FailedProblem(const absl::Status& status) {
  return {.subject = kKernelSide,
          .description = std::string(status.message()),
          .remedy = RemedyFor(status)};
}

hub::Problem ChannelProblem(const std::string& channel, const absl::Status& status) {
  return {.subject = absl::StrCat("channel ", channel),
          .description = std::string(status.message()),
          .remedy = RemedyFor(status)};
}

hub::Problem RefusedProblem(const std::string& channel, const std::string& reason) {
  return {
      .subject = absl::StrCat("channel ", channel),
      .description = absl::StrCat("not served: ", reason),
      .remedy =
          "raise limits.max_channels, and start kchand anew; or give one of two channels of one "
          "name another"};
}

}  // namespace kchan::source
