using System.Text.RegularExpressions;

namespace Onward.Tests;

/// <summary>Checks the layers of the source. A room is a folder, and uses only types of the rooms below it.</summary>
/// <remarks>A file uses a type if it imports the type's namespace and contains the type's name.</remarks>
public sealed partial class LayeringTests
{
    // Largest number of files that depend on each other: a type and its parts.
    private const int MostTogether = 3;

    // From the bottom up. A room includes its subfolders, except those with their own line.
    private static readonly (string Room, string[] Uses)[] Rooms =
    [
        ("Onward/Threads", []),
        ("Onward/Communication", []),
        ("Onward/Kernels/Lanes", []),
        ("Onward/Kernels/Grids", ["Onward/Kernels/Lanes"]),
        ("Onward/Kernels/Pointwise", ["Onward/Kernels/Lanes"]),
        ("Onward/Kernels/Products", ["Onward/Kernels/Lanes", "Onward/Kernels/Pointwise"]),
        ("Onward/Kernels/Random", ["Onward/Kernels/Lanes", "Onward/Kernels/Pointwise"]),
        ("Onward/Layers", ["Onward/Kernels"]),
        ("Onward/Models", ["Onward/Layers", "Onward/Kernels", "Onward/Threads"]),
        ("Onward/Formats", ["Onward/Models"]),
        ("Onward/Losses", ["Onward/Models", "Onward/Kernels", "Onward/Communication"]),
        ("Onward/Engine", ["Onward/Losses", "Onward/Models", "Onward/Layers", "Onward/Kernels", "Onward/Threads", "Onward/Communication"]),
        ("Onward/Rules",
        [
            "Onward/Engine", "Onward/Losses", "Onward/Models", "Onward/Layers", "Onward/Kernels", "Onward/Threads", "Onward/Communication",
        ]),
        ("Onward/Autodiff", ["Onward/Kernels"]),
        ("Onward/Optimizers", ["Onward/Kernels", "Onward/Threads"]),
        ("Onward/Data/Augmentation", ["Onward/Kernels"]),
        ("Onward/Data", ["Onward/Data/Augmentation", "Onward/Formats", "Onward/Kernels", "Onward/Threads", "Onward/Communication"]),
        ("Onward/Data/Digits", ["Onward/Data", "Onward/Kernels"]),
        ("Onward/Data/Downloads", ["Onward/Data", "Onward/Formats"]),
        ("Onward/Data/Readers", ["Onward/Data/Downloads", "Onward/Data", "Onward/Formats"]),
        ("Onward/Training",
        [
            "Onward/Rules", "Onward/Engine", "Onward/Losses", "Onward/Models", "Onward/Layers", "Onward/Optimizers", "Onward/Data",
            "Onward/Data/Augmentation", "Onward/Formats", "Onward/Kernels", "Onward/Threads", "Onward/Communication",
        ]),
        ("Onward.Imaging", ["Onward/Data", "Onward/Formats"]),
        ("Onward.Mpi", ["Onward/Communication"]),
        ("Onward.Onnx", ["Onward/Models", "Onward/Layers", "Onward/Data", "Onward/Formats"]),
        ("Onward.Laboratory",
        [
            "Onward/Training", "Onward/Rules", "Onward/Engine", "Onward/Losses", "Onward/Models", "Onward/Layers", "Onward/Optimizers",
            "Onward/Data", "Onward/Data/Digits", "Onward/Kernels", "Onward/Threads",
        ]),
        ("Onward.Runs/Host", ["Onward.Imaging", "Onward"]),
        ("Onward.Runs/Settings", ["Onward.Runs/Host", "Onward.Imaging", "Onward"]),
        ("Onward.Runs/Folders", ["Onward.Runs/Settings", "Onward.Runs/Host", "Onward.Imaging", "Onward"]),
        ("Onward.Runs/Training", ["Onward.Runs/Folders", "Onward.Runs/Settings", "Onward.Runs/Host", "Onward"]),
        ("Onward.Runs/Series", ["Onward.Runs/Training", "Onward.Runs/Folders", "Onward.Runs/Settings", "Onward.Runs/Host", "Onward"]),
        ("Onward.Reports", ["Onward.Runs", "Onward.Laboratory", "Onward"]),
        ("Onward.Cli", ["Onward.Reports", "Onward.Runs", "Onward.Laboratory", "Onward.Onnx", "Onward.Mpi", "Onward.Imaging", "Onward"]),
    ];

    // Namespaces that a project file imports for all its code.
    private static readonly Dictionary<string, string[]> EverywhereIn =
        new() { ["Onward.Reports"] = ["Onward.Runs"], ["Onward.Cli"] = ["Onward.Runs", "Onward.Reports"] };

    private static readonly Dictionary<string, string> Source = Read();

    [Fact]
    public void Every_room_uses_rooms_below_it_alone() => Assert.Empty(Arrows(Source));

    [Fact]
    public void Every_room_has_a_line_and_every_line_a_room()
    {
        string[] folders = [.. Source.Keys.Select(FolderOf).Distinct()];

        Assert.DoesNotContain(folders, folder => RoomOf(folder) is null);
        Assert.DoesNotContain(Rooms, line => !folders.Any(folder => IsIn(folder, line.Room)));
        Assert.Empty(Rooms.SelectMany((line, i) => line.Uses
            .Where(use => !Rooms.Take(i).Any(below => IsIn(below.Room, use)))
            .Select(use => $"{line.Room} uses {use}")));
    }

    [Fact]
    public void No_more_files_need_each_other_than_a_type_and_its_parts() =>
        Assert.Empty(Cycles(Source)
            .Where(cycle => cycle.Select(FirstName).Distinct().Count() > MostTogether)
            .Select(cycle => string.Join(", ", cycle)));

    [Fact]
    public void No_folder_holds_more_files_than_one_can_overlook() =>
        Assert.Empty(
            Source.Keys.GroupBy(FolderOf).Where(folder => folder.Count() > 15).Select(folder => $"{folder.Key}: {folder.Count()} files"));

    [Theory]
    [InlineData(
        "Onward/Kernels/Lanes/A.cs",
        "using Onward.Layers;\nclass A : AffineLayer;",
        "Onward/Kernels/Lanes/A.cs uses AffineLayer of Onward/Layers")]
    [InlineData("Onward/Rules/A.cs", "using Onward.Training;\nclass A { Trainer t; }", "Onward/Rules/A.cs uses Trainer of Onward/Training")]
    [InlineData(
        "Onward/Data/A.cs",
        "using Onward.Imaging;\nclass A { void B() => new ImageFolder(); }",
        "Onward/Data/A.cs uses ImageFolder of Onward.Imaging")]
    [InlineData(
        "Onward.Runs/Settings/A.cs",
        "namespace Onward.Runs;\nclass A { RunFolder f; }",
        "Onward.Runs/Settings/A.cs uses RunFolder of Onward.Runs/Folders")]
    public void Upward_arrow_is_found(string path, string text, string arrow) =>
        Assert.Equal([arrow], Arrows(new(Source) { [path] = text }));

    [Theory]
    [InlineData("Onward/Training/A.cs", "using Onward.Rules;\nclass A { ForwardGradient rule; }")]
    [InlineData(
        "Onward/Models/A.cs", "/// <summary>See <see cref=\"Trainer\"/>.</summary>\nclass A { string s = \"Trainer\"; int Trainer; }")]
    public void Downward_arrow_and_words_in_passing_are_allowed(string path, string text) =>
        Assert.Empty(Arrows(new(Source) { [path] = text }));

    [Fact]
    public void Cycle_of_files_is_found()
    {
        Dictionary<string, string> files = new()
        {
            ["a/A.cs"] = "class A { B b; }",
            ["a/B.cs"] = "class B { C c; }",
            ["a/C.cs"] = "class C { A a; }",
            ["a/D.cs"] = "class D { A a; }",
        };

        Assert.Equal([["A.cs", "B.cs", "C.cs"]], Cycles(files).Select(cycle => cycle.Select(Path.GetFileName).Order().ToArray()));
    }

    private static IEnumerable<string> Arrows(Dictionary<string, string> files)
    {
        Dictionary<string, string> declared = Declared(files);
        foreach ((string path, string text) in files)
        {
            string room = RoomOf(FolderOf(path))!;
            string[] uses = Rooms.Single(line => line.Room == room).Uses;
            foreach (string type in Used(path, text, files, declared))
            {
                string other = RoomOf(FolderOf(declared[type])) ?? "no room";
                if (other != room && !uses.Any(use => IsIn(other, use)))
                {
                    yield return $"{path} uses {type} of {other}";
                }
            }
        }
    }

    // Finds groups of files that depend on each other (Tarjan's algorithm).
    private static List<string[]> Cycles(Dictionary<string, string> files)
    {
        Dictionary<string, string> declared = Declared(files);
        Dictionary<string, string[]> uses = files.ToDictionary(
            file => file.Key,
            file => Used(file.Key, file.Value, files, declared)
                .Select(type => declared[type])
                .Where(other => other != file.Key)
                .Distinct()
                .ToArray());
        Dictionary<string, (int Index, int Low)> seen = [];
        Stack<string> open = [];
        List<string[]> cycles = [];
        foreach (string file in files.Keys.Where(file => !seen.ContainsKey(file)))
        {
            Visit(file);
        }

        return cycles;

        int Visit(string file)
        {
            int index = seen.Count, low = index;
            seen[file] = (index, low);
            open.Push(file);
            foreach (string other in uses[file])
            {
                low = !seen.TryGetValue(other, out (int Index, int Low) place)
                    ? Math.Min(low, Visit(other))
                    : open.Contains(other) ? Math.Min(low, place.Index)
                    : low;
            }

            if (low == index)
            {
                List<string> together = [];
                do
                {
                    together.Add(open.Pop());
                }
                while (together[^1] != file);
                if (together.Count > 1)
                {
                    cycles.Add([.. together]);
                }
            }

            return low;
        }
    }

    // Top-level types, by the file that declares them; a partial type belongs to the file of its name.
    private static Dictionary<string, string> Declared(Dictionary<string, string> files) => files
        .SelectMany(file => Declaration().Matches(file.Value).Select(match => (Type: match.Groups[1].Value, File: file.Key)))
        .GroupBy(pair => pair.Type)
        .Where(type => type.Select(pair => RoomOf(FolderOf(pair.File))).Distinct().Count() == 1)
        .ToDictionary(type => type.Key, type => type.Select(pair => pair.File).MinBy(file => file.Length)!);

    private static IEnumerable<string> Used(string path, string text, Dictionary<string, string> files, Dictionary<string, string> declared)
    {
        string own = NamespaceOf(text);
        string[] seen =
        [
            .. Using().Matches(text).Select(match => match.Groups[1].Value),
            .. EverywhereIn.GetValueOrDefault(path.Split('/')[0], []),
        ];
        return Name().Matches(text).Select(match => match.Value).Distinct()
            .Where(name => declared.TryGetValue(name, out string? file) && IsVisible(NamespaceOf(files[file])));

        bool IsVisible(string other) =>
            other == own || own.StartsWith($"{other}.", StringComparison.Ordinal) || seen.Contains(other);
    }

    private static string NamespaceOf(string text) => Namespace().Match(text).Groups[1].Value;

    private static string FolderOf(string path) => path[..Math.Max(0, path.LastIndexOf('/'))];

    private static string FirstName(string path) => path[(path.LastIndexOf('/') + 1)..].Split('.')[0];

    private static string? RoomOf(string folder) =>
        Rooms.Select(line => line.Room).Where(room => IsIn(folder, room)).MaxBy(room => room.Length);

    private static bool IsIn(string folder, string room) => folder == room || folder.StartsWith($"{room}/", StringComparison.Ordinal);

    private static Dictionary<string, string> Read()
    {
        string source = Checkout.PathOf("src");
        return Directory.EnumerateFiles(source, "*.cs", SearchOption.AllDirectories).Order()
            .ToDictionary(
                file => Path.GetRelativePath(source, file).Replace('\\', '/'), file => NoCode().Replace(File.ReadAllText(file), " "));
    }

    // Raw strings, strings and comments.
    [GeneratedRegex("\"\"\"[\\s\\S]*?\"\"\"|\"(\\\\.|[^\"\\\\\\n])*\"|//[^\\n]*")]
    private static partial Regex NoCode();

    [GeneratedRegex(@"(?m)^(?:[a-z]+ )*(?:class|struct|interface|enum|record(?: struct)?|delegate [\w<>\[\], ]+?) ?([A-Z]\w*)")]
    private static partial Regex Declaration();

    [GeneratedRegex(@"(?m)^namespace ([\w.]+);")]
    private static partial Regex Namespace();

    [GeneratedRegex(@"(?m)^using (?:static )?([\w.]+);")]
    private static partial Regex Using();

    // Names after a dot are excluded, because members may have the names of types.
    [GeneratedRegex(@"(?<![.\w])[A-Z]\w*\b")]
    private static partial Regex Name();
}
