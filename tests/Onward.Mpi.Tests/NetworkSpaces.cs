using System.Diagnostics;

namespace Onward.Mpi.Tests;

/// <summary>
/// Two network namespaces, each with an address, connected by a virtual cable. Ranks 0 and 1 run in them. If they cannot be created,
/// the test is skipped.
/// </summary>
internal sealed class NetworkSpaces : IDisposable
{
    private static readonly string[] Addresses = ["10.77.81.1", "10.77.81.2"];

    private readonly string _agent = Path.GetTempFileName();

    public NetworkSpaces()
    {
        Dispose();
        bool made = Ip($"netns add onward-{Addresses[0]}")
            && Ip($"netns add onward-{Addresses[1]}")
            && Ip($"link add onward0 netns onward-{Addresses[0]} type veth peer name onward1 netns onward-{Addresses[1]}")
            && Enumerable.Range(0, 2).All(i => Ip($"-n onward-{Addresses[i]} addr add {Addresses[i]}/24 dev onward{i}")
                && Ip($"-n onward-{Addresses[i]} link set onward{i} up")
                && Ip($"-n onward-{Addresses[i]} link set lo up"));
        if (!made)
        {
            Dispose();
            Assert.Skip("Only root may make network namespaces, with the program ip (Debian: iproute2).");
        }

        // mpirun uses a program like ssh to start processes at another address.
        File.WriteAllText(_agent, "#!/bin/sh\nhost=$1; shift\nexec ip netns exec onward-$host sh -c \"$*\"\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(_agent, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }
    }

    /// <summary>Starts <c>onward</c> with a rank at each address.</summary>
    public Process Start(string folder, string command) => MpiRun.Start(
        [
            "--mca", "plm_rsh_agent", _agent, "--mca", "btl", "tcp,self", "--mca", "btl_tcp_if_include", "10.77.81.0/24",
            "--mca", "oob_tcp_if_include", "10.77.81.0/24", "--host", $"{Addresses[0]}:1,{Addresses[1]}:1", "-n", "2",
            .. MpiRun.Words(command),
        ],
        folder,
        ["ip", "netns", "exec", $"onward-{Addresses[0]}"]);

    public void Dispose()
    {
        foreach (string address in Addresses)
        {
            Ip($"netns delete onward-{address}");
        }

        File.Delete(_agent);
    }

    private static bool Ip(string words)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo("ip", words) { RedirectStandardError = true })!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
