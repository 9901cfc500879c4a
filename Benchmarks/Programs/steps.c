/* Runs a program and counts its instructions, by single steps, between each of its SIGUSR1 and the SIGUSR2 that follows.
 * Needs no counter of the processor (virtual machines often have none) and no other tool. A repeated string instruction
 * counts once a repetition. Usage: steps COUNTS PROGRAM [ARGUMENT ...]; one number a line goes to the file COUNTS. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 3) return 64;
  FILE *counts = fopen(argv[1], "w");
  if (!counts) return 1;
  pid_t child = fork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    execv(argv[2], argv + 2);
    _exit(127);
  }
  int status, counting = 0;
  long steps = 0;
  while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
    int signal = WSTOPSIG(status), pass = 0;
    if (signal == SIGUSR1) {
      counting = 1;
      steps = 0;
    } else if (signal == SIGUSR2) {
      counting = 0;
      fprintf(counts, "%ld\n", steps);
    } else if (signal == SIGTRAP) {
      steps++;
    } else {
      pass = signal;
    }
    ptrace(counting ? PTRACE_SINGLESTEP : PTRACE_CONT, child, 0, pass);
  }
  fclose(counts);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
