package drivertest

var eventTests, endTests, goTests, loadTests []test
