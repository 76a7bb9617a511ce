package drivertest

var loadTests []test
