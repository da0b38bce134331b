using System.Diagnostics;
using System.Globalization;

namespace Onward.Cli.Tests;

/// <summary>Starts the command in a separate process, and sends signals to processes.</summary>
internal static class OnwardProcess
{
    /// <summary>Starts the command.</summary>
    /// <param name="workplace">The folder for the process.</param>
    /// <param name="command">The words of the command; <c>{data}</c> stands for the folder with the images.</param>
    /// <param name="through">A shell command that runs its arguments, for example after it has ignored a signal.</param>
    /// <param name="environment">Environment variables, in addition to the variables of this process.</param>
    public static Process Start(
        Workplace workplace, string command, string? through = null, params (string Name, string Value)[] environment)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "Onward.Cli");
        string words = command.Replace("{data}", workplace.Data, StringComparison.Ordinal);
        ProcessStartInfo start = new(through is null ? program : "sh")
        {
            WorkingDirectory = workplace["work"],
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        foreach (string word in through is null ? words.Split(' ') : ["-c", through, program, .. words.Split(' ')])
        {
            start.ArgumentList.Add(word);
        }

        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    public static void Send(string signal, Process process) =>
        Assert.True(Call("kill", string.Create(CultureInfo.InvariantCulture, $"-{signal} {process.Id}")));

    /// <summary>Runs a system program and waits until it ends. Returns false if it fails.</summary>
    public static bool Call(string program, string arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0;
    }

    /// <summary>True if this process ignores a signal, as background jobs do. Child processes then ignore it too.</summary>
    public static bool IsIgnored(int signal)
    {
        string mask = File.ReadLines("/proc/self/status").First(line => line.StartsWith("SigIgn:", StringComparison.Ordinal))[7..].Trim();
        return (ulong.Parse(mask, NumberStyles.HexNumber, CultureInfo.InvariantCulture) >> (signal - 1) & 1) == 1;
    }
}
