//go:build profile

package main

import (
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"
)

// A build with the tag profile, for "make bench" with -profile, records its CPU
// profile from the start until SIGUSR1, and writes it to the file that this variable
// names.
const profileVariable = "INVITEBRIDGE_CPU_PROFILE"

func init() {
	path := os.Getenv(profileVariable)
	if path == "" {
		return
	}
	file, err := os.Create(path + ".part")
	if err != nil {
		panic(err)
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		panic(err)
	}
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1)
	go func() {
		<-asked
		pprof.StopCPUProfile()
		if err := file.Close(); err != nil {
			panic(err)
		}
		if err := os.Rename(path+".part", path); err != nil { // it is complete once it has its name
			panic(err)
		}
	}()
}
