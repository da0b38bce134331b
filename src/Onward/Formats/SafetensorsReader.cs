using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Onward.Models;

namespace Onward.Formats;

/// <summary>
/// Reads float32 parameters from a safetensors file. The whole header is checked before any number is read, and no more memory
/// is allocated than the file has bytes to fill.
/// </summary>
public sealed class SafetensorsReader : IDisposable
{
    // The limit of the reference implementation of the format.
    private const long MaximumHeader = 100_000_000;

    private const string Cure = "Replace it with an intact copy.";

    private readonly string _path;
    private readonly FileStream _file;
    private readonly long _dataStart;
    private byte[] _header = []; // including the length in front of it
    private readonly Dictionary<string, Tensor> _tensors = [];
    private readonly Dictionary<string, string> _metadata = [];

    /// <summary>Opens a file and checks its header.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="ModelFileException">The file is missing, unreadable or damaged.</exception>
    public SafetensorsReader(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        _path = path;
        _file = Guard(() => InputFile.Open(path));
        try
        {
            using JsonDocument header = Guard(ReadHeader);
            _dataStart = _file.Position;
            DataLength = _file.Length - _dataStart;
            foreach (JsonProperty entry in header.RootElement.EnumerateObject())
            {
                if (entry.NameEquals("__metadata__"))
                {
                    ReadMetadata(entry.Value);
                }
                else
                {
                    _tensors.Add(entry.Name, ReadTensor(entry));
                }
            }

            RequireGapless();
        }
        catch (InvalidOperationException fault)
        {
            _file.Dispose();
            throw new ModelFileException($"{path}: the header holds text that is not valid Unicode. {Cure}", fault);
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>Texts stored with the tensors.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <summary>True if the metadata contains a checksum, or a text that looks like one under a name that may have been damaged.</summary>
    internal bool HasChecksum => _metadata.Any(entry =>
        entry.Key is SafetensorsWriter.ChecksumKey or SafetensorsWriter.OldChecksumKey
        || (entry.Value.Length == Checksum.Digits && entry.Value.All(char.IsAsciiHexDigit)));

    /// <summary>Total number of bytes of all tensors.</summary>
    public long DataLength { get; }

    /// <summary>Reads all parameters of a vector by name.</summary>
    /// <param name="values">Receives the numbers.</param>
    /// <exception cref="ModelFileException">The file lacks a parameter, contains others, or contains one with another shape.</exception>
    public void Read(ParameterVector values)
    {
        ArgumentNullException.ThrowIfNull(values);
        Read([("", values)]);
    }

    /// <summary>Total number of bytes of the tensors whose names start with a prefix.</summary>
    internal long LengthOf(string prefix) => _tensors
        .Where(tensor => tensor.Key.StartsWith(prefix, StringComparison.Ordinal))
        .Sum(tensor => tensor.Value.End - tensor.Value.Begin);

    /// <summary>Reads several vectors. The parameter names of each have their own prefix.</summary>
    internal void Read(IReadOnlyList<(string Prefix, ParameterVector Vector)> vectors)
    {
        HashSet<string> known = [];
        foreach ((string prefix, ParameterVector vector) in vectors)
        {
            foreach (Parameter parameter in vector.Layout.Parameters)
            {
                Require(prefix + parameter.Name, parameter.Shape);
                known.Add(prefix + parameter.Name);
            }
        }

        if (_tensors.Keys.FirstOrDefault(name => !known.Contains(name)) is string extra)
        {
            throw Fault($"tensor '{Show(extra)}' is not a parameter of the model. Use a file of the same model.");
        }

        foreach ((string prefix, ParameterVector vector) in vectors)
        {
            foreach (Parameter parameter in vector.Layout.Parameters)
            {
                ReadInto(vector[parameter], _tensors[prefix + parameter.Name]);
            }
        }
    }

    /// <summary>Reads the parameters that have a tensor of their name and shape, and leaves the others as they are.</summary>
    /// <param name="values">Receives the numbers.</param>
    /// <exception cref="ModelFileException">The file became shorter, or cannot be read.</exception>
    internal MatchedParameters ReadMatching(ParameterVector values)
    {
        List<Parameter> taken = [];
        List<(Parameter, IReadOnlyList<long>?)> missing = [];
        foreach (Parameter parameter in values.Layout.Parameters)
        {
            Tensor? tensor = _tensors.GetValueOrDefault(parameter.Name);
            if (tensor?.Shape.SequenceEqual(parameter.Shape.Select(size => (long)size)) == true)
            {
                ReadInto(values[parameter], tensor);
                taken.Add(parameter);
            }
            else
            {
                missing.Add((parameter, tensor?.Shape));
            }
        }

        IEnumerable<string> others = _tensors.Keys.Except(values.Layout.Parameters.Select(parameter => parameter.Name));
        return new MatchedParameters(taken, missing, [.. others.Select(Show)]);
    }

    /// <summary>Verifies the checksum of every byte of the file.</summary>
    /// <exception cref="ModelFileException">There is no checksum, it cannot be computed here, or it does not match.</exception>
    internal void VerifyChecksum()
    {
        bool isOld = !_metadata.ContainsKey(SafetensorsWriter.ChecksumKey) && _metadata.ContainsKey(SafetensorsWriter.OldChecksumKey);
        if (isOld && OpenSsl.IsMissing)
        {
            throw new ModelFileException(
                $"{_path}: cannot be checked: its checksum is a SHA-256, for which .NET needs OpenSSL, and this machine has none. "
                + $"{OpenSsl.Cure}.")
            {
                IsUnreadable = true,
            };
        }

        using Checksum checksum = isOld ? Checksum.OfVersion01() : new Checksum();
        int digits = isOld ? 2 * Checksum.Digits : Checksum.Digits;
        string written = _metadata.GetValueOrDefault(isOld ? SafetensorsWriter.OldChecksumKey : SafetensorsWriter.ChecksumKey, "");
        int at = written.Length == digits ? _header.AsSpan().IndexOf(Encoding.UTF8.GetBytes(written)) : -1;
        if (at < 0)
        {
            throw Fault($"no checksum ({SafetensorsWriter.ChecksumKey}) in the metadata. {Cure}");
        }

        _header.AsSpan(at, digits).Fill((byte)'0');
        checksum.Add(_header);
        byte[] part = new byte[Math.Min(1 << 20, DataLength)];
        _file.Position = _dataStart;
        while (Guard(() => _file.Read(part)) is > 0 and int read)
        {
            checksum.Add(part.AsSpan(0, read));
        }

        if (checksum.End() != written)
        {
            throw Fault($"damaged: its bytes do not match their checksum. {Cure}");
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file.Dispose();

    private JsonDocument ReadHeader()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        int read = _file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        if (read < bytes.Length)
        {
            throw Fault($"{read} bytes, expected a header's length of {bytes.Length}. {Cure}");
        }

        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        long most = Math.Min(MaximumHeader, _file.Length - bytes.Length);
        if (length > (ulong)most)
        {
            throw Fault($"a header of {length} bytes, expected at most {most}. This is not a safetensors file, or it is truncated.");
        }

        _header = new byte[bytes.Length + (int)length];
        bytes.CopyTo(_header);
        _file.ReadExactly(_header.AsSpan(bytes.Length));
        JsonDocument header;
        try
        {
            header = JsonDocument.Parse(_header.AsMemory(bytes.Length), new JsonDocumentOptions { AllowDuplicateProperties = false });
        }
        catch (JsonException fault)
        {
            throw new ModelFileException($"{_path}: the header is not valid JSON. {Cure}", fault);
        }

        if (header.RootElement.ValueKind != JsonValueKind.Object)
        {
            header.Dispose();
            throw Fault($"the header is not a JSON object. {Cure}");
        }

        return header;
    }

    private void ReadMetadata(JsonElement metadata)
    {
        if (metadata.ValueKind != JsonValueKind.Object)
        {
            throw Fault($"__metadata__ is not a JSON object. {Cure}");
        }

        foreach (JsonProperty entry in metadata.EnumerateObject())
        {
            if (entry.Value.ValueKind != JsonValueKind.String)
            {
                throw Fault($"__metadata__ holds '{Show(entry.Name)}', which is not text. {Cure}");
            }

            _metadata.Add(entry.Name, entry.Value.GetString()!);
        }
    }

    private Tensor ReadTensor(JsonProperty entry)
    {
        string name = Show(entry.Name);
        JsonElement type = default, shape = default, offsets = default;
        bool complete = entry.Value.ValueKind == JsonValueKind.Object
            && entry.Value.TryGetProperty("dtype", out type)
            && entry.Value.TryGetProperty("shape", out shape)
            && entry.Value.TryGetProperty("data_offsets", out offsets);
        if (!complete || entry.Value.GetPropertyCount() != 3 || type.ValueKind != JsonValueKind.String)
        {
            throw Fault($"tensor '{name}' is not described by dtype, shape and data_offsets. {Cure}");
        }

        if (!type.ValueEquals("F32"u8))
        {
            throw Fault($"tensor '{name}' has the dtype '{Show(type.GetString()!)}', expected F32. Convert the file to float32.");
        }

        if (Sizes(shape) is not long[] sizes)
        {
            throw Fault($"the shape of tensor '{name}' is not a list of whole numbers of 0 or more. {Cure}");
        }

        if (Sizes(offsets) is not [long begin, long end])
        {
            throw Fault($"the data_offsets of tensor '{name}' are not two whole numbers of 0 or more. {Cure}");
        }

        if (begin > end || end > DataLength)
        {
            throw Fault($"tensor '{name}' lies at bytes {begin} to {end} of {DataLength}. {Cure}");
        }

        Int128 length = sizeof(float);
        foreach (long size in sizes)
        {
            length = size == 0 ? 0 : length > long.MaxValue ? length : length * size;
        }

        return length == end - begin
            ? new Tensor(name, sizes, begin, end)
            : throw Fault($"tensor '{name}' of shape {Show(sizes)} has {end - begin} bytes. {Cure}");
    }

    private void Require(string name, IReadOnlyList<int> shape)
    {
        if (!_tensors.TryGetValue(name, out Tensor? tensor))
        {
            throw Fault($"no tensor '{name}', expected one of shape {Show(shape)}. Use a file of the same model.");
        }

        if (!tensor.Shape.SequenceEqual(shape.Select(size => (long)size)))
        {
            throw Fault($"tensor '{name}' has the shape {Show(tensor.Shape)}, expected {Show(shape)}. Use a file of the same model.");
        }
    }

    private void RequireGapless()
    {
        long covered = 0;
        foreach (Tensor tensor in _tensors.Values.OrderBy(tensor => tensor.Begin).ThenBy(tensor => tensor.End))
        {
            if (tensor.Begin != covered)
            {
                string kind = tensor.Begin < covered ? "overlaps the tensor before it" : "leaves a gap before it";
                throw Fault($"tensor '{tensor.Name}' {kind}: it begins at byte {tensor.Begin}, expected {covered}. {Cure}");
            }

            covered = tensor.End;
        }

        if (covered != DataLength)
        {
            throw Fault($"{DataLength} bytes of numbers, expected {covered}. {Cure}");
        }
    }

    // Reads a list of sizes or offsets. Returns null if it is anything else.
    private static long[]? Sizes(JsonElement list)
    {
        if (list.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        long[] sizes = new long[list.GetArrayLength()];
        int i = 0;
        foreach (JsonElement size in list.EnumerateArray())
        {
            if (size.ValueKind != JsonValueKind.Number || !size.TryGetInt64(out sizes[i]) || sizes[i++] < 0)
            {
                return null;
            }
        }

        return sizes;
    }

    private void ReadInto(Span<float> numbers, Tensor tensor)
    {
        try
        {
            _file.Position = _dataStart + tensor.Begin;
            _file.ReadExactly(MemoryMarshal.AsBytes(numbers));
        }
        catch (Exception fault) when (fault is EndOfStreamException or IOException)
        {
            Guard<bool>(() => throw fault);
        }
    }

    private T Guard<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception fault) when (fault is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Unreadable("no such file. Check the path.", fault);
        }
        catch (UnauthorizedAccessException fault)
        {
            throw Unreadable("access denied, or not a file. Check its permissions.", fault);
        }
        catch (EndOfStreamException fault)
        {
            throw new ModelFileException($"{_path}: the file became shorter while it was read. {Cure}", fault);
        }
        catch (IOException fault)
        {
            throw Unreadable($"cannot be read: {fault.Message} Check the disk.", fault);
        }
    }

    private ModelFileException Unreadable(string message, Exception fault) => new($"{_path}: {message}", fault) { IsUnreadable = true };

    private ModelFileException Fault(string message) => new($"{_path}: {message}");

    private static string Show<T>(IReadOnlyList<T> shape) => $"[{string.Join(", ", shape)}]";

    // Names come from the file. They are shortened and kept on one line, whatever they contain.
    private static string Show(string name) =>
        string.Concat(name.Select(c => char.IsControl(c) || char.IsSurrogate(c) || c is '\u2028' or '\u2029' ? '?' : c).Take(80));

    private sealed record Tensor(string Name, IReadOnlyList<long> Shape, long Begin, long End);
}
