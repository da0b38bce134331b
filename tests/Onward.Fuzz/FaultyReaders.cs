using System.Runtime.InteropServices;

namespace Onward.Fuzz;

/// <summary>
/// Readers with every kind of failure, so that a test can check that each is detected. They are not part of
/// <see cref="Readers"/>.
/// </summary>
internal static class FaultyReaders
{
    private const int Block = 64 << 20;

    /// <summary>All faulty readers. The first input that a process gives to each of them is read without failure.</summary>
    internal static IReadOnlyList<Reader> All { get; } =
    [
        Make("hang", _ => Forever()),
        Make("crash", _ => $"{Deeper(0)}"),
        Make("memory", _ => Native()),
        Make("allocation", _ => $"{new byte[2 * Block].Length}"),
        Make("fault", _ => throw new InvalidOperationException("unforeseen")),
        Make("two-lines", folder => $"{folder}\nis damaged"),
        Make("no-name", _ => "a file is damaged"),
    ];

    private static Reader Make(string name, Func<string, string?> read)
    {
        int calls = 0;
        return new Reader(
            name, 1, [[new SeedFile("file", [1, 2, 3], ByteMutation.Apply)]], (folder, _) => calls++ == 0 ? null : read(folder));
    }

    private static string Forever()
    {
        while (true)
        {
        }
    }

    private static int Deeper(int depth) => Deeper(depth + 1) + Deeper(depth + 2);

    // Allocates memory that the runtime does not count. A page becomes resident when a byte is written to it.
    private static string Native()
    {
        while (true)
        {
            nint block = Marshal.AllocHGlobal(Block);
            for (int page = 0; page < Block; page += Environment.SystemPageSize)
            {
                Marshal.WriteByte(block, page, 1);
            }
        }
    }
}
