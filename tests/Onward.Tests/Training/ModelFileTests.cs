using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Onward.Formats;
using Onward.Kernels;
using Onward.Layers;
using Onward.Models;
using Onward.Tests.Data;
using Onward.Training;

namespace Onward.Tests.Training;

public sealed class ModelFileTests : IDisposable
{
    private static readonly LocalMixerOptions Tiny = new()
    {
        Blocks = 2,
        PatchesPerSide = 2,
        Channels = 4,
        Groups = 2,
        ImageSide = 4,
        ImageChannels = 1,
        Classes = 3,
        Normalizations = Normalizations.Begin | Normalizations.Last,
        Initializer = WeightInitializer.Lecun,
        ZeroHeads = false,
    };

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string, string, string> DamagedHeaders => new()
    {
        { "\"F32\"", "\"BF16\"", "has the dtype 'BF16', expected F32" },
        { "\"dtype\":\"F32\",", "", "is not described by dtype, shape and data_offsets" },
        { "\"dtype\":\"F32\",", "\"dtype\":7,", "is not described by dtype, shape and data_offsets" },
        { "\"dtype\":\"F32\",", "\"dtype\":\"F32\",\"more\":1,", "is not described by dtype, shape and data_offsets" },
        { "\"shape\":[4,4]", "\"shape\":4", "is not a list of whole numbers" },
        { "\"shape\":[4,4]", "\"shape\":[4,-4]", "is not a list of whole numbers" },
        { "\"shape\":[4,4]", "\"shape\":[4,1.5]", "is not a list of whole numbers" },
        { "\"shape\":[4,4]", "\"shape\":[4,5]", "of shape [4, 5] has 64 bytes" },
        { "\"shape\":[4,4]", "\"shape\":[9223372036854775807,9223372036854775807,9223372036854775807,16]", "has 64 bytes" },
        { "\"data_offsets\":[0,64]", "\"data_offsets\":[64,0]", "lies at bytes 64 to 0" },
        { "\"data_offsets\":[0,64]", "\"data_offsets\":[0,99999]", "lies at bytes 0 to 99999" },
        { "\"data_offsets\":[0,64]", "\"data_offsets\":[0,64,80]", "are not two whole numbers" },
        { "\"data_offsets\":[0,64]", "\"data_offsets\":[16,80]", "leaves a gap before it: it begins at byte 16, expected 0" },
        { "\"data_offsets\":[64,80]", "\"data_offsets\":[48,64]", "overlaps the tensor before it: it begins at byte 48, expected 64" },
        { "blocks.0.channel.bias", "blocks.0.channel.weight", "the header is not valid JSON" },
        { "blocks.0.channel.bias", "blocks.0.channel.base", "no tensor 'blocks.0.channel.bias', expected one of shape [4]" },
        { "\"shape\":[4,4]", "\"shape\":[16]", "has the shape [16], expected [4, 4]" },
        { "\"__metadata__\"", "\"metadata\"", "tensor 'metadata' is not described" },
        { "\"onward.local_mixer\"", "\"other\"", "no model options (onward.local_mixer or onward.network) in the metadata" },
        { "\\u0022blocks\\u0022:2", "\\u0022blocks\\u0022:3", "call for 196 parameters, the file has 129" },
        { "\\u0022blocks\\u0022:2", "\\u0022blocks\\u0022:0", "the model options in the metadata are damaged" },
        { "\\u0022blocks\\u0022:2", "\\u0022blocks\\u0022:2,\\u0022more\\u0022:2", "the model options in the metadata are damaged" },
        { "\\u0022channels\\u0022:4", "\\u0022channels\\u0022:2000000000", "call for 8000" },
        { "\\u0022patchesPerSide\\u0022:2", "\\u0022patchesPerSide\\u0022:2000000000", "the model options in the metadata" },
        { "\\u0022imageSide\\u0022:4", "\\u0022imageSide\\u0022:2147483647", "the model options in the metadata" },
        { "\\u0022imageSide\\u0022:4", "\\u0022imageSide\\u0022:2147483644", "the model options in the metadata call for" },
        { "\\u0022blocks\\u0022:2", "\\u0022blocks\\u0022:2147483647", "the model options in the metadata call for" },
        { "\\u0022downsample\\u0022:[]", "\\u0022downsample\\u0022:null", "the model options in the metadata are damaged" },
        { "\\u0022groupRatio\\u0022:[]", "\\u0022groupRatio\\u0022:[1,64]", "the model options in the metadata are damaged" },
        { "blocks.1.token.bias\"", "\\ud800\"", "not valid Unicode" },
    };

    [Fact]
    public void A_model_comes_back_as_it_was()
    {
        Network model = Draw(Tiny);

        ModelFile.Save(model, _folder["model.safetensors"]);
        Network read = ModelFile.Load(_folder["model.safetensors"]);

        Assert.Equivalent(model.Mixer!, read.Mixer, strict: true);
        Assert.Equal(model.Values.All, read.Values.All);
    }

    [Fact]
    public void A_file_of_version_0_1_which_lacks_epsilon_has_that_of_the_paper()
    {
        Network model = Draw(Tiny with { Epsilon = 0.25f });
        string options = JsonSerializer.Serialize(model.Mixer!, ModelFile.Json).Replace("\"epsilon\":0.25,", "", StringComparison.Ordinal);
        SafetensorsWriter.Write(
            _folder["model.safetensors"], model.Values, new Dictionary<string, string> { [ModelFile.OptionsKey] = options });

        Assert.DoesNotContain("psilon", options, StringComparison.Ordinal);
        Assert.Equivalent(
            Tiny with { Epsilon = LocalMixerOptions.PaperEpsilon }, ModelFile.Load(_folder["model.safetensors"]).Mixer, strict: true);
    }

    private static Dictionary<string, LocalMixerOptions> Varied { get; } = new()
    {
        ["convolving"] = Tiny with { TokenMixer = TokenMixer.DepthwiseConvolution, KernelSide = 5 },
        ["scaled"] = Tiny with { Downsample = [2, 1], ChannelRatio = [3, 1], GroupRatio = [3, 1], Pooling = PatchPooling.Maximum },
    };

    [Theory]
    [InlineData("convolving")]
    [InlineData("scaled")]
    public void A_model_that_differs_in_more_comes_back_as_it_was(string name)
    {
        Network model = Draw(Varied[name]);

        ModelFile.Save(model, _folder["model.safetensors"]);
        Network read = ModelFile.Load(_folder["model.safetensors"]);

        Assert.Equivalent(model.Mixer!, read.Mixer, strict: true);
        Assert.Equal(model.Values.All, read.Values.All);
    }

    [Fact]
    public void A_file_is_replaced_whole_and_nothing_else_is_left()
    {
        File.WriteAllText(_folder["model.safetensors"], "what was there");

        ModelFile.Save(Draw(Tiny), _folder["model.safetensors"]);

        Assert.Equal([_folder["model.safetensors"]], Directory.GetFiles(_folder.Path));
        Assert.Equivalent(Tiny, ModelFile.Load(_folder["model.safetensors"]).Mixer, strict: true);
    }

    [Fact]
    public void A_file_that_cannot_be_written_leaves_nothing()
    {
        Directory.CreateDirectory(_folder["model.safetensors"]);

        Assert.ThrowsAny<Exception>(() => ModelFile.Save(Draw(Tiny), _folder["model.safetensors"]));

        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void The_file_is_laid_out_as_the_format_says()
    {
        Network model = Draw(Tiny);
        ModelFile.Save(model, _folder["model"]);

        byte[] file = File.ReadAllBytes(_folder["model"]);
        int length = (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
        JsonObject header = JsonNode.Parse(file.AsSpan(8, length))!.AsObject();
        JsonObject weight = header["blocks.1.token.weight"]!.AsObject();
        int begin = 8 + length + (int)weight["data_offsets"]![0]!;

        Assert.Equal(0, length % 8);
        Assert.Equal("F32", (string?)weight["dtype"]);
        Assert.Equal("[4,4]", weight["shape"]!.ToJsonString());
        Assert.Equal(model.Values[model.Blocks[1].Layers[0].Weight][5], BinaryPrimitives.ReadSingleLittleEndian(file.AsSpan(begin + 20)));
        Assert.Equal(file.Length - 8 - length, model.Values.Layout.Count * sizeof(float));
    }

    [Theory]
    [MemberData(nameof(DamagedHeaders))]
    public void Damage_is_told_in_one_line_with_the_path(string from, string to, string expected)
    {
        string path = Damage(header => ReplaceFirst(header, from, to));

        AssertFault(path, expected);
    }

    [Theory]
    [InlineData("[]", "the header is not a JSON object")]
    [InlineData("{", "the header is not valid JSON")]
    [InlineData("{}", "bytes of numbers, expected 0")]
    [InlineData("{\"__metadata__\":[]}", "__metadata__ is not a JSON object")]
    [InlineData("{\"__metadata__\":{\"a\":1}}", "__metadata__ holds 'a', which is not text")]
    public void A_header_of_another_kind_is_told(string header, string expected) => AssertFault(Damage(_ => header), expected);

    [Fact]
    public void A_tensor_too_many_is_told()
    {
        string extra = "{\"extra\\n\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},";
        string path = Damage(header => extra + header[1..]);

        AssertFault(path, "tensor 'extra?' is not a parameter of the model");
    }

    [Fact]
    public void A_gap_is_told()
    {
        string path = Damage(header => header, extraData: 4);

        AssertFault(path, "520 bytes of numbers, expected 516");
    }

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(1UL << 63)]
    [InlineData(100_000_001UL)]
    [InlineData(5000UL)]
    public void A_header_longer_than_the_file_takes_no_memory(ulong length)
    {
        byte[] file = new byte[64];
        BinaryPrimitives.WriteUInt64LittleEndian(file, length);
        string path = _folder.Write("model", file);

        AssertFault(path, $"a header of {length} bytes, expected at most 56");
    }

    [Fact]
    public void A_missing_file_and_a_folder_are_told()
    {
        AssertFault(_folder["absent"], "no such file");
        AssertFault(_folder["absent/model"], "no such file");
        AssertFault(_folder.Path, "access denied, or not a file");
    }

    [Fact]
    public void A_file_cut_at_any_length_gives_one_fault()
    {
        byte[] file = Saved();
        for (int length = 0; length < file.Length; length++)
        {
            AssertFault(_folder.Write("cut", file[..length]), "");
        }
    }

    [Fact]
    public void Mutated_headers_give_a_fault_or_a_model_and_take_little_memory()
    {
        byte[] file = Saved();
        int header = 8 + (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
        CounterSequence random = new(new RandomStream(7, RandomPurpose.Data));
        byte[] characters = Encoding.ASCII.GetBytes("0123456789-{}[]\",:.eE\\un \0\xff"[..^1]);
        long before = GC.GetAllocatedBytesForCurrentThread();
        const int Mutations = 3000;
        for (int i = 0; i < Mutations; i++)
        {
            byte[] mutated = [.. file];
            for (int j = random.NextInt32(4); j >= 0; j--)
            {
                int place = random.NextInt32(header);
                mutated[place] = random.NextInt32(2) == 0 ? (byte)random.NextInt32(256) : characters[random.NextInt32(characters.Length)];
            }

            string path = _folder.Write("mutated", mutated);
            try
            {
                ModelFile.Load(path);
            }
            catch (ModelFileException fault)
            {
                AssertOneLine(fault, path);
            }
        }

        long perFile = (GC.GetAllocatedBytesForCurrentThread() - before) / Mutations;
        Assert.True(perFile < 60 * file.Length, $"{perFile} bytes for a file of {file.Length}");
    }

    // In the length, the header, the checksum itself, the padding and the numbers.
    [Fact]
    public void A_flipped_bit_is_found_wherever_it_is()
    {
        byte[] intact = Saved();
        for (int i = 0; i < intact.Length; i++)
        {
            byte[] damaged = [.. intact];
            damaged[i] ^= (byte)(1 << (i % 8));
            AssertFault(_folder.Write("damaged", damaged), "");
        }
    }

    [Fact]
    public void A_model_of_version_0_1_which_has_no_checksum_is_read()
    {
        string path = Damage(header => ReplaceFirst(header, $"\"{SafetensorsWriter.ChecksumKey}\":\"{Checksum()}\",", ""));

        Assert.Equal(Draw(Tiny).Values.All, ModelFile.Load(path).Values.All);
    }

    [Fact]
    public void A_model_that_another_program_wrote_without_a_checksum_is_read()
    {
        string path = Damage(
            header => ReplaceFirst(header, $"\"{SafetensorsWriter.ChecksumKey}\":\"{Checksum()}\",", "\"format\":\"pt\","));

        Assert.Equal(Draw(Tiny).Values.All, ModelFile.Load(path).Values.All);
    }

    // With a checksum that is right, and without one.
    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void Numbers_that_are_not_finite_are_refused(float bad)
    {
        Network model = Draw(Tiny);
        Parameter parameter = model.Blocks[1].Layers[0].Weight;
        model.Values[parameter][^1] = bad;
        ModelFile.Save(model, _folder["model"]);
        byte[] file = File.ReadAllBytes(_folder["model"]);
        using SafetensorsReader reader = new(_folder["model"]);
        string key = SafetensorsWriter.ChecksumKey, checksum = reader.Metadata[key];
        string without = Encoding.Latin1.GetString(file)
            .Replace(
                $"{key}\":\"{checksum}", $"{new string('x', key.Length)}\":\"{new string('y', checksum.Length)}", StringComparison.Ordinal);

        AssertFault(_folder["model"], $"tensor '{parameter.Name}' holds numbers that are not finite");
        AssertFault(
            _folder.Write("without", Encoding.Latin1.GetBytes(without)), $"tensor '{parameter.Name}' holds numbers that are not finite");
    }

    [Theory]
    [InlineData("S/1/1", 28, 1)]
    [InlineData("M/1/16", 28, 1)]
    [InlineData("M/8/16", 28, 1)]
    [InlineData("M/8/16", 32, 3)]
    public void The_count_of_parameters_follows_from_the_options(string preset, int side, int channels)
    {
        LocalMixerOptions options = LocalMixerPresets.Get(preset, side, channels, 10);

        Assert.Equal(LocalMixer.Build(options).Values.Layout.Count, options.ParameterCount);
    }

    public void Dispose() => _folder.Dispose();

    private static Network Draw(LocalMixerOptions options)
    {
        Network model = LocalMixer.Build(options);
        model.Initialize(3);
        return model;
    }

    private string Checksum()
    {
        using SafetensorsReader file = new(_folder.Write("whole", Saved()));
        return file.Metadata[SafetensorsWriter.ChecksumKey];
    }

    private byte[] Saved()
    {
        ModelFile.Save(Draw(Tiny), _folder["whole"]);
        return File.ReadAllBytes(_folder["whole"]);
    }

    private string Damage(Func<string, string> damage, int extraData = 0)
    {
        byte[] file = Saved();
        int length = (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
        byte[] header = Encoding.UTF8.GetBytes(damage(Encoding.UTF8.GetString(file, 8, length)));
        byte[] start = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(start, header.Length);
        return _folder.Write("damaged", [.. start, .. header, .. file[(8 + length)..], .. new byte[extraData]]);
    }

    private static string ReplaceFirst(string text, string from, string to)
    {
        int place = text.IndexOf(from, StringComparison.Ordinal);
        Assert.True(place >= 0, $"'{from}' is not in the header {text}");
        return text[..place] + to + text[(place + from.Length)..];
    }

    private static void AssertFault(string path, string expected)
    {
        ModelFileException fault = Assert.Throws<ModelFileException>(() => ModelFile.Load(path));

        Assert.Contains(expected, fault.Message);
        AssertOneLine(fault, path);
    }

    private static void AssertOneLine(ModelFileException fault, string path)
    {
        Assert.StartsWith(path + ": ", fault.Message);
        Assert.DoesNotContain('\n', fault.Message);
        Assert.DoesNotContain('\r', fault.Message);
    }
}
