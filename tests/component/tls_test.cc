// SPDX-License-Identifier: Apache-2.0
// Who gets through TLS, and as whom: real certificates, real connections.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "bridge/security/policy_file.h"
#include "gmock/gmock.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "tests/certificates/test_ca.h"
#include "tests/component/fake_source.h"
#include "tests/component/reader.h"
#include "tests/component/server_test.h"

namespace kchan::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr char kAlice[] = "URI:spiffe://fleet/alice,DNS:alice.example";

class TlsTest : public ServerTest {
 protected:
  TlsTest() : ca_(directory(), "ca"), files_(ca_.IssueServer("server")) {}

  void StartTls(const std::string& policy = "") {
    if (!policy.empty()) {
      const auto parsed = security::ParsePolicy(policy, "policy");
      ASSERT_TRUE(parsed.ok()) << parsed.status();
      options_.policy = *parsed;
    }
    options_.listeners.push_back({rpc::TcpListener{"127.0.0.1:0", files_}, rpc::Right::kControl});
    Start();
  }

  std::string address() { return server().addresses().back(); }

  // A new connection of a client that trusts `trusted` and shows `pair`.
  std::unique_ptr<v1::ChannelService::Stub> Connect(const std::string& trusted,
                                                    const KeyPair& pair = {}) {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = ContentOf(trusted);
    if (!pair.key_file.empty()) {
      options.pem_private_key = ContentOf(pair.key_file);
      options.pem_cert_chain = ContentOf(pair.certificate_file);
    }
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return v1::ChannelService::NewStub(
        grpc::CreateCustomChannel(address(), grpc::SslCredentials(options), arguments));
  }

  static grpc::Status List(v1::ChannelService::Stub& stub) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    v1::ListChannelsResponse response;
    return stub.ListChannels(&context, {}, &response);
  }
  grpc::Status ListAs(const KeyPair& pair) { return List(*Connect(ca_.file(), pair)); }

  // The identity that a denial names.
  std::string IdentityOf(const KeyPair& pair) {
    const grpc::Status status = ListAs(pair);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED) << status.error_message();
    return MetadataOf(DetailsOf(status), "identity");
  }

  bool HandshakeWorks(const std::string& flags, const KeyPair& pair) {
    const std::string command = absl::StrCat(
        KCHAN_OPENSSL " s_client -connect ", address(), " -cert ", pair.certificate_file, " -key ",
        pair.key_file, " -alpn h2 -verify_quiet ", flags, " </dev/null >/dev/null 2>&1");
    return std::system(command.c_str()) == 0;
  }

  static void Replace(const std::string& file, const std::string& by) {
    fs::copy_file(by, file, fs::copy_options::overwrite_existing);
  }

  const TestCa ca_;
  security::TlsFiles files_;
};

// A stream from before something was changed.
class OldStream {
 public:
  OldStream(hub::Hub& hub, std::unique_ptr<v1::ChannelService::Stub> stub)
      : tick_(hub, "tick"), stub_(std::move(stub)) {
    tick_.Append(3);
    EXPECT_TRUE(reader_.UntilSequence("tick", kEpoch, 3));
  }
  ~OldStream() { reader_.Cancel(); }

  void ExpectUndisturbed() {
    tick_.Append(4);
    EXPECT_TRUE(reader_.UntilSequence("tick", kEpoch, 7));
    EXPECT_EQ(reader_.ledger("tick").records, 7u);
  }

 private:
  FakeSource tick_;
  const std::unique_ptr<v1::ChannelService::Stub> stub_;
  Reader reader_{*stub_, OpenFromOldest("tick")};
};

TEST_F(TlsTest, VerifiedClientIsServed) {
  StartTls();
  const grpc::Status status = ListAs(ca_.Issue("alice", {.alternative_names = kAlice}));
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST_F(TlsTest, ClientWithoutACertificateOrWithAStrangersIsRefused) {
  StartTls();
  EXPECT_EQ(ListAs({}).error_code(), grpc::StatusCode::UNAVAILABLE);
  const TestCa other(directory(), "other");
  EXPECT_EQ(ListAs(other.Issue("eve", {.alternative_names = kAlice})).error_code(),
            grpc::StatusCode::UNAVAILABLE);
}

TEST_F(TlsTest, ExpiredClientIsRefused) {
  StartTls();
  EXPECT_EQ(ListAs(ca_.Issue("old", {.alternative_names = kAlice, .days = -1})).error_code(),
            grpc::StatusCode::UNAVAILABLE);
}

TEST_F(TlsTest, CertificateOfAServerIsNoClients) {
  StartTls();
  EXPECT_EQ(ListAs({files_.certificate_file, files_.key_file}).error_code(),
            grpc::StatusCode::UNAVAILABLE);
}

TEST_F(TlsTest, IdentityIsTheUriThenTheDnsNameThenTheCommonName) {
  StartTls("unix_sockets: UNIX_SOCKET_RIGHTS_BY_LISTENER");
  EXPECT_EQ(IdentityOf(ca_.Issue("a", {.common_name = "alice", .alternative_names = kAlice})),
            "spiffe://fleet/alice");
  EXPECT_EQ(IdentityOf(ca_.Issue("b", {.common_name = "b", .alternative_names = "DNS:b.example"})),
            "dns:b.example");
  EXPECT_EQ(IdentityOf(ca_.Issue("c", {.common_name = "carol"})), "cn:carol");
  EXPECT_THAT(audited().back(), HasSubstr(R"("identity":"cn:carol","peer":"ipv4:127.0.0.1:)"));
}

TEST_F(TlsTest, RuleMayNameAnyNameOfTheCertificate) {
  StartTls("roles { name: 'a' members: 'dns:*.example' } rules { roles: 'a' read: '*' }");
  EXPECT_TRUE(ListAs(ca_.Issue("a", {.alternative_names = kAlice})).ok());
  EXPECT_EQ(IdentityOf(ca_.Issue("c", {.common_name = "a.example"})), "cn:a.example");
}

TEST_F(TlsTest, ClientsThatAreNotAskedAreAnonymous) {
  files_.client_ca_file.clear();
  StartTls("roles { name: 'a' members: 'any-certificate' } rules { roles: 'a' read: '*' }");
  EXPECT_EQ(IdentityOf({}), "anonymous:tls");
  // Also with a certificate that nobody has looked at.
  EXPECT_EQ(IdentityOf(ca_.Issue("alice", {.alternative_names = kAlice})), "anonymous:tls");
}

TEST_F(TlsTest, PlainTcpIsAnonymous) {
  options_.listeners.push_back({rpc::TcpListener{"127.0.0.1:0", {}}, rpc::Right::kRead});
  const auto policy = security::ParsePolicy("", "policy");
  options_.policy = *policy;
  Start();
  const auto stub = v1::ChannelService::NewStub(
      grpc::CreateChannel(address(), grpc::InsecureChannelCredentials()));
  EXPECT_EQ(MetadataOf(DetailsOf(List(*stub)), "identity"), "anonymous:insecure");
}

TEST_F(TlsTest, OldVersionsOfTlsAreNotSpoken) {
  StartTls();
  const KeyPair alice = ca_.Issue("alice", {.alternative_names = kAlice});
  EXPECT_TRUE(HandshakeWorks("-tls1_2", alice));
  EXPECT_TRUE(HandshakeWorks("-tls1_3", alice));
  EXPECT_FALSE(HandshakeWorks("-tls1_1 -cipher DEFAULT@SECLEVEL=0", alice));
  EXPECT_FALSE(HandshakeWorks("-tls1 -cipher DEFAULT@SECLEVEL=0", alice));
}

TEST_F(TlsTest, NewCertificateIsForNewConnectionsAndDisturbsNoStream) {
  StartTls();
  const KeyPair alice = ca_.Issue("alice", {.alternative_names = kAlice});
  OldStream old(hub(), Connect(ca_.file(), alice));

  // The server's comes from another authority now; the clients' do not.
  const TestCa next(directory(), "next");
  const security::TlsFiles renewed = next.IssueServer("renewed");
  Replace(files_.certificate_file, renewed.certificate_file);
  Replace(files_.key_file, renewed.key_file);
  const auto states = server().ReloadCertificates();
  ASSERT_EQ(states.size(), 1u);
  EXPECT_TRUE(states[0].files_status.ok()) << states[0].files_status;

  EXPECT_TRUE(List(*Connect(next.file(), alice)).ok());
  EXPECT_EQ(List(*Connect(ca_.file(), alice)).error_code(), grpc::StatusCode::UNAVAILABLE);
  old.ExpectUndisturbed();
}

TEST_F(TlsTest, NewAuthorityOfClientsIsForNewConnectionsAndDisturbsNoStream) {
  StartTls();
  const KeyPair alice = ca_.Issue("alice", {.alternative_names = kAlice});
  OldStream old(hub(), Connect(ca_.file(), alice));

  const TestCa next(directory(), "next");
  const std::string servers_ca = ca_.file() + ".kept";
  Replace(servers_ca, ca_.file());
  Replace(files_.client_ca_file, next.file());
  EXPECT_TRUE(server().ReloadCertificates()[0].files_status.ok());

  EXPECT_EQ(List(*Connect(servers_ca, alice)).error_code(), grpc::StatusCode::UNAVAILABLE);
  const KeyPair bob = next.Issue("bob", {.alternative_names = "URI:spiffe://fleet/bob"});
  EXPECT_TRUE(List(*Connect(servers_ca, bob)).ok());
  old.ExpectUndisturbed();
}

TEST_F(TlsTest, FilesThatMakeNoSenseKeepWhatThereWas) {
  StartTls();
  const KeyPair alice = ca_.Issue("alice", {.alternative_names = kAlice});
  const std::string good = ContentOf(files_.certificate_file);
  for (const std::string& file : {files_.certificate_file, files_.key_file, ca_.file()}) {
    const std::string kept = ContentOf(file);
    const auto trusted = Connect(ca_.file(), alice);  // reads its files before they are damaged
    std::ofstream(file) << "nonsense";
    const auto states = server().ReloadCertificates();
    EXPECT_THAT(std::string(states[0].files_status.message()), HasSubstr(file));
    EXPECT_EQ(states[0].certificates.chain, good);
    EXPECT_TRUE(List(*trusted).ok()) << file;
    std::ofstream(file) << kept;
    EXPECT_TRUE(server().ReloadCertificates()[0].files_status.ok());
  }
}

TEST_F(TlsTest, ExpiredCertificateDoesNotTakeThePlaceOfOneThatHolds) {
  StartTls();
  const security::TlsFiles old = ca_.IssueServer("old", /*days=*/-1);
  Replace(files_.certificate_file, old.certificate_file);
  Replace(files_.key_file, old.key_file);
  EXPECT_THAT(std::string(server().ReloadCertificates()[0].files_status.message()),
              HasSubstr("has expired already"));
  EXPECT_TRUE(ListAs(ca_.Issue("alice", {.alternative_names = kAlice})).ok());
}

TEST_F(TlsTest, ExpiryIsToldOfTheCertificatesInUse) {
  StartTls();
  const auto state = server().ReloadCertificates()[0];
  EXPECT_LT(state.certificates.expires, absl::Now() + absl::Hours(49));
  EXPECT_EQ(state.address, address());
  EXPECT_EQ(state.files, files_);
}

}  // namespace
}  // namespace kchan::testing
