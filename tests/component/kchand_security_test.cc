// SPDX-License-Identifier: Apache-2.0
// The daemon's policy and certificates as an operator has them: in files, with
// SIGHUP, in the log and in the status.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/time/time.h"
#include "bridge/security_watch.h"
#include "tests/certificates/test_ca.h"
#include "tests/component/kchand_testing.h"
#include "tests/component/reader.h"

namespace kchan::testing {
namespace {

constexpr char kAll[] = R"(
unix_sockets: UNIX_SOCKET_RIGHTS_BY_POLICY
roles { name: "us" members: "unix:*" }
rules { roles: "us" read: "*" control: "*" status: true })";
constexpr char kStatusOnly[] = R"(
unix_sockets: UNIX_SOCKET_RIGHTS_BY_POLICY
roles { name: "us" members: "unix:*" }
rules { roles: "us" status: true })";

class KchandSecurityTest : public KchandTest {
 protected:
  void WritePolicy(const std::string& text) { std::ofstream(path("policy")) << text; }

  void StartWithPolicy(const std::string& text) {
    WritePolicy(text);
    WriteConfig("policy_file: \"" + path("policy") + "\"\n");
    Start();
  }

  std::string Problems() {
    const auto stub = v1::NodeService::NewStub(channel_);
    grpc::ClientContext context;
    v1::GetStatusResponse response;
    const grpc::Status status = stub->GetStatus(&context, {}, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    std::string text;
    for (const v1::Problem& problem : response.problems()) {
      text += problem.subject() + ": " + problem.description() + "; " + problem.remedy() + "\n";
    }
    return text;
  }
  bool HasProblem(const std::string& text) {
    return Eventually([&] { return Problems().find(text) != std::string::npos; });
  }
};

TEST_F(KchandSecurityTest, HangUpAppliesANewPolicyToOpenStreams) {
  StartWithPolicy(kAll);
  const auto stub = v1::ChannelService::NewStub(channel_);
  Reader reader(*stub, OpenOf("kmsg"));
  ASSERT_TRUE(reader.Next()->has_hello());
  Reader glob(*stub, OpenOf("nothing-has-this-name*"));
  ASSERT_TRUE(glob.Next()->has_hello());
  WritePolicy(kStatusOnly);
  daemon_->Signal(SIGHUP);
  EXPECT_EQ(reader.Finish().error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(glob.Finish().error_code(), grpc::StatusCode::PERMISSION_DENIED);
  Reader after(*stub, OpenOf("kmsg"));
  EXPECT_EQ(after.Finish().error_code(), grpc::StatusCode::PERMISSION_DENIED);
}

TEST_F(KchandSecurityTest, PolicyThatChangedIsSeenWithoutASignal) {
  StartWithPolicy(kStatusOnly);
  WritePolicy("roles { name: \"A\" }");
  EXPECT_TRUE(Eventually(
      [&] { return Problems().find("the policy before it goes on") != std::string::npos; }));
}

TEST_F(KchandSecurityTest, BrokenPolicyIsShownAndTheOneBeforeGoesOn) {
  StartWithPolicy(kStatusOnly);
  EXPECT_EQ(Problems().find("policy"), std::string::npos) << Problems();
  WritePolicy("roles {\n  nam: \"a\"\n}");
  daemon_->Signal(SIGHUP);
  EXPECT_TRUE(Says("policy: " + path("policy") + ":2:")) << daemon_->Said();
  EXPECT_TRUE(HasProblem("policy: " + path("policy") + ":2:"));
  WritePolicy(kStatusOnly);
  daemon_->Signal(SIGHUP);
  EXPECT_TRUE(Eventually([&] { return Problems().find("policy") == std::string::npos; }));
}

TEST_F(KchandSecurityTest, BrokenPolicyAtTheStartIsNoStart) {
  WritePolicy("rules { }");
  WriteConfig("policy_file: \"" + path("policy") + "\"\n");
  for (const auto& arguments : std::vector<std::vector<std::string>>{{}, {"--check-config"}}) {
    const auto daemon = Run(arguments);
    EXPECT_EQ(daemon->Wait(), 2);
    EXPECT_NE(daemon->Said().find(path("policy") + ":1:1: rules[0].roles: "), std::string::npos)
        << daemon->Said();
  }
}

TEST_F(KchandSecurityTest, CertificateThatEndsSoonIsAProblemAndLogged) {
  const TestCa ca(directory_, "ca");
  const security::TlsFiles files = ca.IssueServer("server");
  WriteConfig("tcp_listeners { address: \"127.0.0.1:0\" tls { certificate_file: \"" +
              files.certificate_file + "\" key_file: \"" + files.key_file +
              "\" client_ca_file: \"" + files.client_ca_file + "\" } }");
  Start();
  EXPECT_TRUE(Says("certificate " + files.certificate_file + " is in use, until 20"));
  EXPECT_TRUE(Says("certificate " + files.certificate_file + " expires on 20"));
  EXPECT_TRUE(HasProblem("certificate " + files.certificate_file + " expires on 20"));
  EXPECT_TRUE(HasProblem("client CA " + files.client_ca_file + " expires on 20"));
  std::ofstream(files.key_file) << "nonsense";
  daemon_->Signal(SIGHUP);
  EXPECT_TRUE(HasProblem("key " + files.key_file + ": holds no key"));
  EXPECT_TRUE(Says("new connections get what was read before"));
}

TEST(SecurityWatchTest, CertificatesAreProblemsFromThirtyDaysBeforeTheirEnd) {
  const absl::Time now = absl::FromUnixSeconds(1'790'000'000);
  rpc::Server::TlsState tls;
  tls.address = "[::]:1";
  tls.files.certificate_file = "server.pem";
  tls.certificates.expires = now + absl::Hours(31 * 24);
  EXPECT_TRUE(ProblemsOf(tls, now).empty());
  tls.certificates.expires = now + absl::Hours(29 * 24);
  ASSERT_EQ(ProblemsOf(tls, now).size(), 1u);
  EXPECT_EQ(ProblemsOf(tls, now)[0].description,
            "certificate server.pem expires on 2026-10-20 14:13 UTC");
  tls.certificates.expires = now - absl::Hours(1);
  EXPECT_EQ(ProblemsOf(tls, now)[0].description,
            "certificate server.pem has expired on 2026-09-21 13:13 UTC: no client can connect");
  tls.files_status = absl::InvalidArgumentError("key server.key: holds no key");
  ASSERT_EQ(ProblemsOf(tls, now).size(), 2u);
  EXPECT_EQ(ProblemsOf(tls, now)[0].subject, "TLS of [::]:1");
}

TEST_F(KchandSecurityTest, AuditIsWholeLinesOfJsonBesideTheLog) {
  Start({"--log-json"});
  const auto stub = v1::ChannelService::NewStub(channel_);
  grpc::ClientContext context;
  v1::UpdateChannelRequest request;
  request.set_name("tick");
  v1::UpdateChannelResponse response;
  ASSERT_FALSE(stub->UpdateChannel(&context, request, &response).ok());
  ASSERT_TRUE(Says("\"result\":\"CONTROL_RIGHT_NEEDED\"}\n")) << daemon_->Said();
  EXPECT_NE(daemon_->Said().find("{\"type\":\"audit\",\"time\":\""), std::string::npos);
}

TEST_F(KchandSecurityTest, TlsThatAsksForNoCertificateIsWarnedOf) {
  const TestCa ca(directory_, "ca");
  const security::TlsFiles files = ca.IssueServer("server");
  WriteConfig("tcp_listeners { address: \"127.0.0.1:0\" tls { certificate_file: \"" +
              files.certificate_file + "\" key_file: \"" + files.key_file +
              "\" allow_any_client: true } }");
  Start();
  EXPECT_TRUE(Says("asks for no client certificates; whoever reaches it may read every channel"));
}

TEST_F(KchandSecurityTest, InsecureListenerBeyondLoopbackIsWarnedOfLoudly) {
  Start({"--listen-tcp", "0.0.0.0:0", "--insecure", "--allow-remote-insecure"});
  EXPECT_NE(daemon_->Said().find("INSECURE AND NOT ON LOOPBACK"), std::string::npos);
}

}  // namespace
}  // namespace kchan::testing
