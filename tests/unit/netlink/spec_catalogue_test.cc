// SPDX-License-Identifier: Apache-2.0
#include "bridge/netlink/spec/spec_catalogue.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace kchan::netlink {
namespace {

class SpecCatalogueTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const std::string& each : {first_, second_}) std::filesystem::create_directories(each);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  static void Write(const std::string& directory, const std::string& file,
                    const std::string& text) {
    std::ofstream(directory + "/" + file) << text;
  }
  static std::string SpecOf(const std::string& family, const std::string& doc) {
    return "name: " + family + "\ndoc: " + doc + "\noperations: {list: []}\n";
  }
  SpecCatalogue Load() const {
    return SpecCatalogue::Load(std::vector<std::string>{first_, second_});
  }

  const std::string root_ = testing::TempDir() + "/spec_catalogue_test_" +
                            testing::UnitTest::GetInstance()->current_test_info()->name();
  const std::string first_ = root_ + "/first";
  const std::string second_ = root_ + "/second";
};

TEST_F(SpecCatalogueTest, ALaterDirectoryOverridesByFamily) {
  Write(first_, "a.yaml", SpecOf("a", "old"));
  Write(first_, "b.yaml", SpecOf("b", "old"));
  Write(second_, "another-name.yaml", SpecOf("a", "new"));
  const SpecCatalogue catalogue = Load();
  EXPECT_EQ(catalogue.names(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(catalogue.Find("a")->documentation(), "new");
  EXPECT_EQ(catalogue.PathOf("a"), second_ + "/another-name.yaml");
  EXPECT_EQ(catalogue.Find("b")->documentation(), "old");
  EXPECT_EQ(catalogue.Find("c"), nullptr);
  EXPECT_EQ(catalogue.PathOf("c"), "");
  EXPECT_TRUE(catalogue.refused().empty());
}

TEST_F(SpecCatalogueTest, ARefusedFileReplacesNothing) {
  Write(first_, "a.yaml", SpecOf("a", "old"));
  Write(second_, "a.yaml", "name: a\n");
  const SpecCatalogue catalogue = Load();
  EXPECT_EQ(catalogue.Find("a")->documentation(), "old");
  ASSERT_EQ(catalogue.refused().size(), 1U);
  EXPECT_EQ(catalogue.refused()[0].path, second_ + "/a.yaml");
  EXPECT_EQ(catalogue.refused()[0].reason, "line 1: there are no 'operations'");
}

TEST_F(SpecCatalogueTest, ADirectoryWithoutAnySpecIsNamed) {
  Write(first_, "a.yaml", SpecOf("a", "it"));
  Write(second_, "readme.txt", "the specs are one folder below");
  const SpecCatalogue catalogue = Load();
  ASSERT_EQ(catalogue.refused().size(), 1U);
  EXPECT_EQ(catalogue.refused()[0].path, second_);
  EXPECT_EQ(catalogue.refused()[0].reason, "has no specification in it, FAMILY.yaml");
}

TEST_F(SpecCatalogueTest, WhatIsNoSpecIsRefusedByItsName) {
  Write(first_, "a.yaml", SpecOf("a", "it"));
  Write(first_, "b.yaml", SpecOf("a", "again"));
  Write(first_, "c.yaml.gz", "");
  Write(first_, "d.yaml", "name: d\nprotocol: next\n");
  Write(first_, "readme.txt", "no spec");
  ASSERT_EQ(mkfifo((first_ + "/e.yaml").c_str(), 0600), 0);
  std::filesystem::remove_all(second_);
  std::string refused;
  const SpecCatalogue catalogue = Load();
  for (const RefusedSpec& each : catalogue.refused()) {
    refused += each.path.substr(root_.size()) + ": " + each.reason + "\n";
  }
  EXPECT_EQ(refused, "/first/b.yaml: family a is in " + first_ +
                         "/a.yaml too\n"
                         "/first/c.yaml.gz: is compressed: unpack it with gunzip\n"
                         "/first/d.yaml: line 2: not supported: protocol 'next'\n"
                         "/first/e.yaml: is no regular file\n"
                         "/second: cannot be listed: No such file or directory\n");
}

}  // namespace
}  // namespace kchan::netlink
